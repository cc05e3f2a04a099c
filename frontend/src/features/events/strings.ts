import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

export const eventsText = {
  title: "What's on",
  lead: "Find an evening, pick your seats, done. What is left is counted live.",
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
    text: "As soon as somebody puts an event on, it is here.",
  },
  noMatch: {
    title: "No event matches",
    text: "Try another word, or more days.",
    action: "Show everything",
  },
  live: { live: "Live", connecting: "Connecting…", polling: "Updated every few seconds" },
  from: (price: string) => `from ${price}`,
  free: "Free",
  seatsLeft: (seats: number) => (seats === 1 ? "1 seat left" : `${formatCount(seats)} seats left`),
  lastSeats: (seats: number) => (seats === 1 ? "Last seat" : `Last ${formatCount(seats)} seats`),
  onlyLeft: (seats: number) =>
    seats === 0 ? "No seat is left." : `Only ${seats === 1 ? "1 seat is" : `${formatCount(seats)} seats are`} left.`,
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
  limit: (limit: number) => `At most ${tickets(limit)} a person`,
  seats: "Seats",
  seatsOf: (available: number, capacity: number) => `${formatCount(available)} of ${formatCount(capacity)} left`,
  notFound: { title: "No such event", text: "It may have been a mistyped address." },

  booking: {
    title: "Book tickets",
    total: "Total",
    nothingChosen: "Choose how many tickets you want.",
    book: (quantity: number) => (quantity === 0 ? "Book" : `Book ${tickets(quantity)}`),
    signIn: "Sign in to book",
    signInHint: "You come right back here; what you chose stays chosen.",
    auditor: "Auditors look and don't buy: sign in as somebody else to book.",
    binding: {
      untilStart: "Booking is binding; you can cancel until the event starts.",
      until: (moment: string) => `Booking is binding; you can cancel until ${moment}.`,
      untilUsed: "Booking is binding; you can cancel a ticket until it is used.",
    },
    booked: { title: "Your tickets are booked.", action: "Open your tickets" },
    slow: "This takes longer than usual. We keep trying; nothing is booked twice.",
    closed: {
      cancelled: { title: "This event is cancelled", text: "Whoever had a ticket has been refunded in full." },
      completed: { title: "This event is over", text: "There may be another one like it." },
      past: { title: "This event has begun", text: "Tickets were sold until it started." },
      over: { title: "Sales are over", text: "Tickets were sold while the event was on." },
      closed: { title: "Sales have closed", text: "The organizer may still sell tickets." },
      "sold-out": {
        title: "Sold out",
        text: "A seat that somebody gives back shows here at once: leave the page open.",
      },
      "not-open": { title: "Not on sale yet", text: "" },
    },
    seeOthers: "See what else is on",
    problems: {
      soldOut: {
        title: "Somebody was faster",
        all: "The last seats were just sold. One that somebody gives back shows here at once: leave the page open.",
        none: (category: string) => `The last seats in ${category} were just sold. Take another category.`,
        fewer: (available: number, category: string) => `Only ${tickets(available)} left in ${category}.`,
        take: (available: number) => `Take ${formatCount(available)}`,
      },
      limit: {
        title: "That is more than one person may hold",
        text: (limit: number, held: number) =>
          held === 0
            ? `At most ${tickets(limit)} a person.`
            : `At most ${tickets(limit)} a person, and you hold ${formatCount(held)} already.`,
        bookings: "See your bookings",
      },
      tooLarge: {
        title: "Too many for one booking",
        text: (limit: number) => `One booking holds at most ${tickets(limit)}. Book the rest in a second one.`,
      },
      notBookable: { title: "This event can't be booked any more", text: "It has started, is over or was cancelled." },
      notOnSale: { title: "Not on sale at the moment", text: "Its sales have not opened yet, or have closed." },
      signedOut: { title: "You are not signed in any more", text: "Sign in again; what you chose stays chosen." },
      forbidden: { title: "Your account can't book", text: "Sign in as a customer to book." },
      unknown: {
        title: "We don't know yet whether that went through",
        text: "No answer came. Try again: if it was booked, you get that booking and no second one.",
      },
      other: { title: "That did not work", text: "Nothing was booked. Please try again." },
    },
  },
};
