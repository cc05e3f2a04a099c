import { count } from "@/shared/formatting/counts";

const seats = (quantity: number) => (quantity === 1 ? "1 seat" : `${count(quantity)} seats`);
const tickets = (quantity: number) => (quantity === 1 ? "1 ticket" : `${count(quantity)} tickets`);

export const organise = {
  title: "Organise",
  lead: { own: "Your events, and how they sell.", all: "Everybody's events, and how they sell." },
  create: "New event",
  search: "Search by name or venue",
  status: "Status",
  statuses: { active: "Active", completed: "Completed", cancelled: "Cancelled", all: "All" },
  table: "Events",
  columns: { event: "Event", when: "When", status: "Status", sold: "Sold" },
  sold: (taken: number, capacity: number) => `${count(taken)} of ${count(capacity)}`,
  soldShare: (name: string) => `Share of the seats of ${name} that is sold`,
  overdue: "Over: complete it",
  none: {
    title: "No event yet",
    text: "Put one on: a name, a date and its seats are enough, and it is on sale at once.",
  },
  noMatch: { title: "No event matches", text: "Try another word, or another status.", action: "Show all" },

  workspace: {
    back: "All events to organise",
    sections: "Sections of this event",
    overview: "Overview",
    bookings: "Bookings",
    sell: "Box office",
    checkIn: "Check-in",
    edit: "Edit",
    public: "Public page",
    notFound: { title: "No such event", text: "The address may be mistyped.", action: "All events to organise" },
    notYours: {
      title: "Somebody else's event",
      text: "Only its organizer or an admin may see its bookings, sell for it or check in.",
    },
    over: {
      cancelled: {
        title: "This event is cancelled",
        text: "Every booking was cancelled and refunded. Nothing can be changed.",
      },
      completed: { title: "This event is completed", text: "It is closed for sales, check-in and changes." },
    },
  },

  overview: {
    sold: "Sold",
    left: "Left",
    revenue: "Net revenue",
    refunded: (amount: string) => `${amount} refunded`,
    categories: "Categories",
    columns: { category: "Category", price: "Price", sold: "Sold", left: "Left" },
    soldShare: (name: string) => `Share of the seats in ${name} that is sold`,
    closing: "Close the event",
    cancel: {
      button: "Cancel event",
      title: "Cancel this event?",
      nothingSold: "Nothing has been sold: it costs nothing.",
      costs: (quantity: number, amount: string) =>
        `${tickets(quantity)} will be cancelled and ${amount} refunded. That can't be undone.`,
      counting: "Counting what it costs…",
      unknownCost: (quantity: number) =>
        `${tickets(quantity)} will be cancelled and refunded in full. That can't be undone.`,
      reason: "Reason",
      reasonHint: "Kept in the ledger for good: write no names here.",
      confirm: "Cancel event and refund everybody",
      keep: "Keep the event",
      done: "The event is cancelled.",
    },
    complete: {
      button: "Complete event",
      title: "Complete this event?",
      text: "Nothing more can be sold, checked in or changed. Bookings stand, and the money stays.",
      confirm: "Complete event",
      keep: "Not yet",
      done: "The event is completed.",
    },
    already: "Somebody else has closed this event meanwhile.",
    failed: "That did not work, and nothing was changed. Please try again.",
  },

  bookings: {
    table: "Bookings",
    search: "Name, e-mail, code or number",
    status: "Status",
    statuses: { all: "All", confirmed: "Confirmed", cancelled: "Cancelled" },
    columns: {
      number: "Booking",
      customer: "Customer",
      tickets: "Tickets",
      amount: "Amount",
      when: "Booked",
      status: "Status",
    },
    walkIn: "Walk-in",
    erased: "Erased account",
    number: (value: number) => `No. ${value}`,
    used: (used: number) => `${count(used)} checked in`,
    refunded: (amount: string) => `${amount} refunded`,
    shown: (shown: number, hasMore: boolean) => {
      if (hasMore) return `The newest ${count(shown)} bookings`;
      return shown === 1 ? "1 booking" : `${count(shown)} bookings`;
    },
    none: { title: "Nobody has booked yet", text: "Whoever does, here or at the box office, is listed here at once." },
    noMatch: { title: "No booking matches", text: "Try another word, or every status.", action: "Show all" },
  },

  sell: {
    title: "Sell tickets",
    to: "To whom",
    walkIn: "A walk-in",
    named: "A named customer",
    walkInHint: "No account and no limit. Print the tickets or let them be photographed.",
    namedHint: "Found by e-mail, or made: the tickets are in their bookings when they sign in.",
    name: "Name",
    email: "E-mail",
    left: (available: number) => (available === 0 ? "Sold out" : `${seats(available)} left`),
    onlyLeft: (available: number) =>
      available === 0 ? "Sold out." : `Only ${available === 1 ? "1 seat is" : `${count(available)} seats are`} left.`,
    total: "Total",
    sell: (quantity: number) => (quantity === 0 ? "Sell" : `Sell ${tickets(quantity)}`),
    nothingChosen: "Choose how many tickets first.",
    required: "Say who it is.",
    invalidEmail: "That is no e-mail address.",
    sold: (quantity: number) => `${tickets(quantity)} sold`,
    soldTo: (who: string, amount: string) => `To ${who}, for ${amount}.`,
    someWalkIn: "a walk-in",
    whenLeft: {
      sold: (who: string, amount: string, number: number) => `To ${who}, for ${amount}: booking no. ${number}.`,
      failed: "The sale that you left",
    },
    ticket: (number: number, all: number) => `Ticket ${number} of ${all}`,
    qr: (code: string) => `QR code of ticket ${code}`,
    print: "Print tickets",
    next: "Sell to the next",
    booking: "Open the booking",
    problems: {
      soldOut: (available: number) =>
        available === 0
          ? "The last seats of this category are gone."
          : `Only ${seats(available)} of this category are left.`,
      limit: (limit: number, held: number) =>
        `A customer may hold ${tickets(limit)}, and this one holds ${count(held)}.`,
      tooLarge: (limit: number) => `One booking holds at most ${tickets(limit)}: sell the rest in a second one.`,
      past: "The event is past or closed: nothing can be sold any more.",
      unknown: "No answer came. Sell again: if it was sold, you get that sale and no second one.",
      other: "Nothing was sold. Please try again.",
    },
  },

  checkIn: {
    title: "Check tickets in",
    code: "Ticket code",
    codeHint: "Type it or scan it with a reader; Enter checks it in.",
    check: "Check in",
    checking: "Checking…",
    camera: {
      on: "Scan by camera",
      off: "Camera off",
      loading: "Starting the camera…",
      hint: "Hold the QR code into the picture.",
    },
    noCamera: {
      denied: "The browser may not use the camera. Allow it beside the address, then switch it on again.",
      missing: "No camera was found. Type the codes instead.",
      failed: "The camera could not be started. Type the codes instead.",
    },
    ready: "Ready for the next ticket",
    yes: "Yes, come in",
    no: "No",
    unclear: "No answer",
    verdicts: {
      used: (when: string, ago: string) => `This ticket got in already: ${when} (${ago}).`,
      usedSometime: "This ticket got in already.",
      cancelled: "This ticket was cancelled and refunded.",
      wrongEvent: "A good ticket, for another event.",
      notACode: "Not a ticket code: mistyped, or not ours.",
      unknownBooking: "No booking carries this code.",
      eventClosed: {
        cancelled: "The event is cancelled.",
        completed: "The event is completed.",
        past: "The event is over.",
      },
      unreachable: "The server can't be reached. Nothing was decided: check the same ticket again.",
      other: "That did not work. Check the same ticket again.",
    },
    tally: {
      title: "In this session",
      admitted: "Admitted",
      refused: "Refused",
      recent: "Last tickets",
      none: "Nothing checked in yet.",
      clear: "Start counting anew",
    },
  },
};
