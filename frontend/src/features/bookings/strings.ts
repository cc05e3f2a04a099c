import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

const AGAIN_ON_SALE = "The seats go on sale again immediately; other people may book them before you.";

export const bookingsText = {
  title: "My bookings",
  lead: "Your tickets, and everything that you have been to.",
  /** Without a number while it is not known; with a plus where there are more than were read. */
  tab: (name: string, number: number | null, hasMore: boolean) =>
    number === null ? name : `${name} (${formatCount(number)}${hasMore ? "+" : ""})`,
  newest: (number: number) => `The ${formatCount(number)} that you booked last`,
  upcoming: "Upcoming",
  history: "History",
  loading: "Loading your bookings",
  more: "Show earlier bookings",
  none: {
    title: "No tickets yet",
    text: "What you book is here, with a code to get in.",
    action: "See what is on",
  },
  noneUpcoming: {
    title: "Nothing coming up",
    text: "Everything that you booked is past or cancelled.",
    action: "Find the next one",
  },
  noneHistory: { title: "No history yet", text: "What is over or cancelled comes here." },
  tickets,
  number: (number: number) => `Booking no. ${number}`,
  bookedAt: (moment: string) => `Booked on ${moment}`,
  open: (event: string) => `Tickets for ${event}`,

  back: "My bookings",
  event: "To the event",
  notFound: { title: "No such booking", text: "It may be somebody else's, or a mistyped address." },
  confirmation: {
    title: "You're in!",
    text: (quantity: number) =>
      quantity === 1
        ? "Your ticket is below. Show its code at the entrance, on your phone or on paper."
        : `Your ${formatCount(quantity)} tickets are below. Show each one's code at the entrance, on your phone or on paper.`,
  },
  ticketsTitle: "Tickets",
  ticketOf: (number: number, all: number) => `Ticket ${number} of ${all}`,
  code: "Ticket code",
  qr: (code: string) => `QR code of ticket ${code}`,
  status: { active: "Valid", used: "Used", cancelled: "Cancelled" },
  bookingStatus: { confirmed: "Confirmed", cancelled: "Cancelled" },
  eventCancelled: "The event was cancelled. You get back what you paid.",
  summary: "Payment",
  line: (quantity: number, category: string) => `${formatCount(quantity)} × ${category}`,
  total: "Total",
  refunded: "Refunded",
  print: "Print",
  receipt: "Receipt",
  calendar: "Add to calendar",

  cancel: {
    action: "Cancel tickets",
    title: "Cancel tickets",
    which: "Which tickets do you want to cancel?",
    all: "Select all",
    ticket: (number: number, category: string) => `Ticket ${number}, ${category}`,
    refund: (amount: string) => `${amount} will be refunded. ${AGAIN_ON_SALE}`,
    free: `There is nothing to refund. ${AGAIN_ON_SALE}`,
    nothingChosen: "Choose at least one ticket.",
    confirm: (quantity: number, refund: string | null) =>
      quantity === 0 ? "Cancel tickets" : `Cancel ${tickets(quantity)}${refund === null ? "" : `, ${refund} back`}`,
    keep: "Keep tickets",
    tooLate: "The event has begun: tickets can't be given back any more.",
    salesOver: "Sales are over: tickets can't be given back any more.",
    done: (quantity: number) => `${quantity === 1 ? "1 ticket is" : `${formatCount(quantity)} tickets are`} cancelled.`,
    problems: {
      "already-cancelled": "Those tickets are cancelled already.",
      "ticket-already-used": "A ticket that was used to get in can't be given back.",
      "ticket-cancelled": "One of these tickets is cancelled already.",
      "event-not-bookable": "The event has begun or is over: tickets can't be given back any more.",
      "not-on-sale": "Sales are over: tickets can't be given back any more.",
      unreachable: "No answer came. Try again: nothing is cancelled twice.",
      other: "That did not work. Nothing was cancelled; please try again.",
    } as Record<string, string>,
  },
};
