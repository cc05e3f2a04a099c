import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

const AGAIN_ON_SALE = "The seats go back on sale immediately, and others may book them.";

export const bookingsText = {
  title: "My bookings",
  lead: "Your tickets and past bookings.",
  /** Without a number while it is not known; with a plus where there are more than were read. */
  tab: (name: string, number: number | null, hasMore: boolean) =>
    number === null ? name : `${name} (${formatCount(number)}${hasMore ? "+" : ""})`,
  newest: (number: number) => `Your ${formatCount(number)} latest bookings`,
  upcoming: "Upcoming",
  history: "History",
  loading: "Loading your bookings",
  more: "Show earlier bookings",
  none: {
    title: "No tickets yet",
    text: "Your tickets appear here, with the codes for admission.",
    action: "Browse events",
  },
  noneUpcoming: {
    title: "No upcoming bookings",
    text: "All your bookings are past or cancelled.",
    action: "Browse events",
  },
  noneHistory: { title: "No past bookings yet", text: "Past and cancelled bookings appear here." },
  tickets,
  number: (number: number) => `Booking no. ${number}`,
  bookedAt: (moment: string) => `Booked on ${moment}`,
  open: (event: string) => `Tickets for ${event}`,

  back: "My bookings",
  event: "Event page",
  notFound: { title: "Booking not found", text: "It may belong to another account, or the address may be mistyped." },
  confirmation: {
    title: "Booking confirmed",
    text: (quantity: number) =>
      quantity === 1
        ? "Your ticket is below. Show its code at the entrance, on your phone or printed."
        : `Your ${formatCount(quantity)} tickets are below. Show their codes at the entrance, on your phone or printed.`,
  },
  payFirst: (amount: string) => `Pay ${amount} at the box office first: your tickets admit once it is paid.`,
  guest: {
    mailed: (email: string) => `We have also sent them to ${email}.`,
    keep: "Print them, or keep the link to your booking.",
    manage: "See or cancel it later",
    gone: {
      title: "Your tickets",
      text: "This tab does not have them any more. You find them in the mail that confirms your booking.",
    },
    account: {
      title: "Next time with an account?",
      text: "An account shows all its bookings in one place, also this one once you have confirmed the same address there.",
      action: "Create account",
    },
  },
  ticketsTitle: "Tickets",
  ticketOf: (number: number, all: number) => `Ticket ${number} of ${all}`,
  code: "Ticket code",
  qr: (code: string) => `QR code of ticket ${code}`,
  status: { active: "Valid", used: "Used", cancelled: "Cancelled" },
  bookingStatus: { confirmed: "Confirmed", cancelled: "Cancelled" },
  eventCancelled: {
    refund: "The event has been cancelled, and your booking with it. You are owed a full refund.",
    owed: (amount: string) =>
      `The event has been cancelled, and your booking with it. You are owed ${amount}, which will be paid back.`,
    refunded: (amount: string) =>
      `The event has been cancelled, and your booking with it. ${amount} was paid back to you.`,
    nothing:
      "The event has been cancelled, and your booking with it. Nothing was paid for it, so nothing is owed to you.",
  },
  payment: {
    paid: "Paid",
    due: "Due at the box office",
    dueHint: "Bring this: your tickets admit once it is paid.",
    owed: "Refund owed",
    owedHint: "It will be paid back to you.",
    refunded: "Refunded",
    /** On a ticket. */
    notPaid: "Not paid yet",
  },
  summary: "Payment",
  total: "Total",
  refunded: "Refund",
  print: "Print",
  receipt: "Receipt",
  calendar: "Add to calendar",
  resend: {
    action: "Mail tickets again",
    done: (email: string | null) => `The tickets are on their way to ${email ?? "the customer"}.`,
    problems: {
      "mail-off": "This installation sends no mail.",
      "too-many-attempts": "It was mailed several times already. Try again later.",
      "no-tickets-left": "All tickets are cancelled: there are none to send.",
      "no-recipient": "Nobody's e-mail address belongs to this booking.",
      "link-superseded": "This link has ended.",
      unreachable: "The server did not respond. Try again.",
      other: "That did not work. Please try again.",
    } as Record<string, string>,
  },

  cancel: {
    action: "Cancel tickets",
    title: "Cancel tickets",
    which: "Which tickets do you want to cancel?",
    all: "Select all",
    ticket: (number: number, category: string) => `Ticket ${number}, ${category}`,
    refund: (amount: string) => `Your refund: ${amount}. ${AGAIN_ON_SALE}`,
    unpaid: (due: string | null) =>
      `Nothing was paid for these tickets, so nothing is paid back. ${due === null ? "Nothing is due any more." : `${due} will be due.`} ${AGAIN_ON_SALE}`,
    owed: (amount: string) => `${amount} of what was paid will be owed to you, and paid back. ${AGAIN_ON_SALE}`,
    free: `There is nothing to refund. ${AGAIN_ON_SALE}`,
    nothingChosen: "Choose at least one ticket.",
    confirm: (quantity: number, refund: string | null) =>
      quantity === 0 ? "Cancel tickets" : `Cancel ${tickets(quantity)}${refund === null ? "" : `, refund ${refund}`}`,
    keep: "Keep tickets",
    tooLate: "The event has started. Tickets can no longer be cancelled.",
    salesOver: "Sales have closed. Tickets can no longer be cancelled.",
    done: (quantity: number) =>
      `${quantity === 1 ? "1 ticket has" : `${formatCount(quantity)} tickets have`} been cancelled.`,
    problems: {
      "already-cancelled": "These tickets have already been cancelled.",
      "ticket-already-used": "A used ticket can't be cancelled.",
      "ticket-cancelled": "One of these tickets has already been cancelled.",
      "event-not-bookable": "The event has started or is over. Tickets can no longer be cancelled.",
      "not-on-sale": "Sales have closed. Tickets can no longer be cancelled.",
      unreachable: "The server did not respond. Try again: nothing is cancelled twice.",
      other: "Nothing was cancelled. Please try again.",
    } as Record<string, string>,
  },
};
