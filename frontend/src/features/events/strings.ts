import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

const minutes = (seconds: number) => {
  const count = Math.max(1, Math.ceil(seconds / 60));
  return count === 1 ? "a minute" : `${formatCount(count)} minutes`;
};

export const eventsText = {
  title: "What's on",
  lead: "Find an event and book your seats. Availability is live.",
  search: { label: "Search by name or venue", clear: "Clear search" },
  dates: {
    any: "Any date",
    choose: "Choose dates",
    clear: "Any date",
    today: "Today",
    week: "Next 7 days",
    month: "Next 30 days",
    calendar: {
      nextMonth: "Next month",
      previousMonth: "Previous month",
      nextYear: "Next year",
      previousYear: "Previous year",
      nextDecade: "Next decade",
      previousDecade: "Previous decade",
    },
  },
  more: "Show more",
  tryAgain: "Try again",
  loading: "Loading events",
  results: (shown: number, hasMore: boolean) => {
    if (shown === 1 && !hasMore) return "1 event";
    return hasMore ? `The first ${formatCount(shown)} events` : `${formatCount(shown)} events`;
  },
  none: {
    title: "Nothing is on sale yet",
    text: "New events appear here as soon as they are published.",
  },
  noMatch: {
    title: "No events found",
    text: "Try another search term or other dates.",
    action: "Clear filters",
  },
  live: { live: "Live", connecting: "Connecting…", polling: "Updated every few seconds" },
  from: (price: string) => `from ${price}`,
  free: "Free",
  seatsLeft: (seats: number) => (seats === 1 ? "1 seat left" : `${formatCount(seats)} seats left`),
  lastSeats: (seats: number) => (seats === 1 ? "Last seat" : `Last ${formatCount(seats)} seats`),
  onlyLeft: (seats: number) =>
    seats === 0 ? "No seats are left." : `Only ${seats === 1 ? "1 seat is" : `${formatCount(seats)} seats are`} left.`,
  soldOut: "Sold out",
  cancelled: "Cancelled",
  past: "Past",
  salesClosed: "Sales closed",
  salesFrom: (moment: string) => `On sale from ${moment}`,

  back: "All events",
  about: "About this event",
  when: "When",
  where: "Where",
  timeZone: (zone: string) => `Time zone ${zone}`,
  unknownTimeZone: (zone: string) => `Times are in UTC: this browser does not know the time zone ${zone}`,
  limit: (limit: number) => `At most ${tickets(limit)} per person`,
  seats: "Seats",
  seatsOf: (available: number, capacity: number) => `${formatCount(available)} of ${formatCount(capacity)} left`,
  notFound: { title: "Event not found", text: "The address may be mistyped." },

  guest: {
    name: "Name",
    email: "E-mail address",
    emailHint: {
      open: "For your tickets. You need no account.",
      proven: "We send a code there, to confirm that it is yours. You need no account.",
    },
    sendCode: "Continue",
    code: "Code",
    codeHint: (email: string) => `Six digits, which we have sent to ${email}.`,
    sendAgain: "Send another code",
    confirm: "Confirm and book",
    or: "or",
    required: "Required.",
    invalidEmail: "Enter a valid e-mail address.",
    mustProve: "Many tickets were booked for this address. Confirm that it is yours, and go on.",
    expired: "The code is no longer valid. Continue to get another one.",
    tooMany: (seconds: number) =>
      `Too many codes were sent to this address. Try again in ${minutes(seconds)}, or sign in.`,
    noMail: "This site sends no mail at the moment. Sign in to book.",
    failed: "The server did not respond. Please try again.",
  },

  booking: {
    title: "Book tickets",
    total: "Total",
    nothingChosen: "Choose the number of tickets.",
    book: (quantity: number) => (quantity === 0 ? "Book" : `Book ${tickets(quantity)}`),
    signIn: "Sign in to book",
    signInHint: "You will return to this page, and your selection is kept.",
    auditor: "Auditor accounts can't book. Sign in with another account to book.",
    binding: {
      untilStart: "Bookings are binding. You can cancel until the event starts.",
      until: (moment: string) => `Bookings are binding. You can cancel until ${moment}.`,
      untilUsed: "Bookings are binding. You can cancel a ticket until it is used.",
    },
    online: {
      only: "You pay online. The seats are booked once they are paid.",
      either: "You can pay online, or at the box office: your tickets admit once they are paid.",
    },
    boxOffice: {
      due: (amount: string) =>
        `You pay at the box office: ${amount} will be due. Your tickets admit once they are paid.`,
      /** What is due is not known yet. */
      later: "You pay at the box office. Your tickets admit once they are paid.",
    },
    booked: { title: "Your tickets have been booked.", action: "Open your tickets" },
    slow: "This is taking longer than usual. We keep trying; nothing is booked twice.",
    closed: {
      cancelled: { title: "This event has been cancelled", text: "All ticket holders are owed a full refund." },
      cancelledOwing: "What was paid for tickets is owed back to their holders.",
      completed: { title: "This event is over", text: "Other events are on sale." },
      past: { title: "This event has started", text: "Ticket sales ended at the start." },
      over: { title: "Sales have ended", text: "Tickets are no longer sold for this event." },
      closed: { title: "Sales have closed", text: "The organizer may still sell tickets." },
      "sold-out": {
        title: "Sold out",
        text: "Returned seats appear here immediately: keep this page open.",
      },
      "not-open": { title: "Not on sale yet", text: "" },
    },
    seeOthers: "Browse other events",
    problems: {
      soldOut: {
        title: "Just sold out",
        all: "The last seats were just sold. Returned seats appear here immediately: keep this page open.",
        none: (category: string) => `The last seats in ${category} were just sold. Choose another category.`,
        fewer: (available: number, category: string) => `Only ${tickets(available)} left in ${category}.`,
        /** Of a category that shares seats with another one of the selection. */
        fewerBeside: (available: number, category: string) =>
          `${available === 0 ? "No seats are" : `Only ${tickets(available)}`} left in ${category} beside the rest of your selection.`,
        take: (available: number) => `Choose ${formatCount(available)}`,
      },
      priceChanged: {
        title: "The price has changed",
        text: (total: string, before: string) =>
          `Nothing was booked. Your selection costs ${total} now, instead of ${before}.`,
        accept: (total: string) => `Book for ${total}`,
      },
      perhapsBooked: {
        title: "You may have booked already",
        text: "An earlier try of this booking was accepted, at another price. See your bookings before you book again.",
      },
      limit: {
        title: "Ticket limit reached",
        text: (limit: number, held: number) =>
          held === 0
            ? `At most ${tickets(limit)} per person.`
            : `At most ${tickets(limit)} per person. You already hold ${formatCount(held)}.`,
        bookings: "Your bookings",
      },
      tooLarge: {
        title: "Too many tickets",
        text: (limit: number) => `A booking can hold at most ${tickets(limit)}. Book the rest separately.`,
      },
      notBookable: { title: "This event can no longer be booked", text: "It has started, is over or was cancelled." },
      notOnSale: { title: "Not on sale", text: "Sales have not opened yet, or have closed." },
      paymentRequired: {
        title: "This event is paid online",
        text: "The organizer has changed how it is paid. Nothing was booked: continue, and pay first.",
      },
      methodOff: {
        title: "This way to pay is no longer offered",
        text: "Nothing was paid or booked. Choose another way to pay.",
      },
      providerUnavailable: {
        title: "The payment provider does not respond",
        text: "Nothing was paid. The seats are still held for you: please try again in a moment.",
      },
      paymentRefused: {
        title: "This can't be paid like that",
        text: "The payment provider does not take this payment. The seats are still held for you: choose another way to pay.",
      },
      noGuests: { title: "Sign in to book", text: "Tickets of this event are booked with an account." },
      noCookies: {
        title: "Your browser keeps no cookies",
        text: "Allow cookies for this site, or sign in. Without them a booking could be made twice.",
      },
      signedOut: { title: "Your session has ended", text: "Sign in again. Your selection is kept." },
      forbidden: { title: "Your account can't book", text: "Sign in as a customer to book." },
      unknown: {
        title: "Booking status unknown",
        text: "The server did not respond. Try again: if the booking was made, you get that booking, not a second one.",
      },
      busy: { title: "The server is busy", text: "Nothing was booked. Please try again in a moment." },
      other: { title: "Booking failed", text: "Nothing was booked. Please try again." },
    },
  },
};
