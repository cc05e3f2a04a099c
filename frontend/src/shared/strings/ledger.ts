import type { EntryType } from "@/shared/api/generated/model";
import { count } from "@/shared/formatting/counts";

const types: Record<EntryType, string> = {
  "event-scheduled": "Event scheduled",
  "event-details-changed": "Details changed",
  "category-added": "Category added",
  "category-renamed": "Category renamed",
  "price-changed": "Price changed",
  "capacity-changed": "Capacity changed",
  "category-removed": "Category removed",
  "seats-booked": "Seats booked",
  "booking-cancelled": "Booking cancelled",
  "ticket-used": "Ticket used",
  "event-cancelled": "Event cancelled",
  "event-completed": "Event completed",
};

const tickets = (quantity: number) => (quantity === 1 ? "1 ticket" : `${count(quantity)} tickets`);

export const ledger = {
  title: "Ledger",
  lead: "Every entry there ever was, in order. Nothing here changes, and nothing is taken out.",
  types,
  unreadable: "Unreadable",
  filters: {
    type: "Type",
    anyType: "All types",
    actor: "Actor",
    actorHint: "Account id",
    noActorId: "That is no account id.",
    from: "From",
    to: "To",
    after: "After position",
    clear: "Clear filters",
  },
  table: "Entries",
  columns: {
    position: "Position",
    at: "When",
    type: "Type",
    what: "What",
    event: "Event",
    actor: "Actor",
    body: "Body",
  },
  show: (position: number) => `Show the body of entry ${count(position)}`,
  hide: (position: number) => `Hide the body of entry ${count(position)}`,
  bodyOf: (position: number) => `Entry ${count(position)} as JSON`,
  history: (id: string) => `History of event ${id}`,
  onlyActor: (id: string) => `Only entries of actor ${id}`,
  nobody: "nobody signed in",
  download: "Download NDJSON",
  shown: (shown: number, hasMore: boolean) => {
    if (hasMore) return `The first ${count(shown)} entries`;
    return shown === 1 ? "1 entry" : `${count(shown)} entries`;
  },
  searching: (places: number) => `Searching… ${count(places)} places looked at`,
  searchOn: {
    text: (places: number) => `Nothing matched in the next ${count(places)} places. There are more.`,
    action: "Search on",
  },
  none: { title: "The ledger is empty", text: "The first event that is scheduled is its first entry." },
  noMatch: { title: "No entry matches", text: "Take another type, or a longer time.", action: "Clear filters" },

  what: {
    scheduled: (name: string, seats: number) => `${name}, ${count(seats)} seats`,
    details: (name: string) => name,
    added: (name: string, seats: number) => `${name}, ${count(seats)} seats`,
    renamed: (name: string) => `Now ${name}`,
    price: (category: number) => `Of category ${category}, for new bookings`,
    capacity: (seats: number, category: number) => `Category ${category} has ${count(seats)} seats`,
    removed: (category: number) => `Category ${category}`,
    line: (quantity: number, name: string) => `${count(quantity)} × ${name}`,
    whole: "The whole booking",
    some: (quantity: number) => `${tickets(quantity)} of it`,
    used: (ticket: number) => `Ticket ${ticket} of its booking`,
  },

  proof: {
    title: "Proof",
    lead: "What was last signed of this ledger. Keep it: whatever is altered later does not match it.",
    size: "Entries",
    position: "Up to position",
    origin: "Origin",
    root: "Root hash",
    key: "Verifier key",
    keyHint: "Compare it with what you were given elsewhere: it is worth what its source is.",
    note: "The signed note",
    copy: "Copy the note",
    copied: "Copied",
  },

  inclusion: {
    prove: "Prove that it is in the log",
    of: (position: number) => `Proof of entry ${count(position)}`,
    inclusion: {
      right: (number: number, size: number) =>
        `It is number ${count(number)} of the ${count(size)} signed entries: its hash leads to their root. Checked by your browser.`,
      wrong: (number: number, size: number) =>
        `The proof is wrong: as number ${count(number)} of ${count(size)}, its hash does not lead to the root that was signed.`,
      unchecked: (number: number, size: number) =>
        `The server says that it is number ${count(number)} of ${count(size)} signed entries. Your browser checks that over HTTPS only.`,
    },
    signature: {
      right: "That root is signed with the verifier key. Checked by your browser.",
      wrong: "The signature is wrong: it was not made with the verifier key.",
      unchecked: "Whether that root is signed with the verifier key, this browser can't check.",
    },
    limits:
      "The key is worth what its source is: compare it with what you were given elsewhere. That the entry's hash is that of the" +
      " entry above, a booking's receipt shows offline.",
    facts: { leaf: "The entry's hash", hashes: "Hashes on the way", root: "Root hash", key: "Verifier key" },
    asJson: "The proof as JSON",
  },

  books: {
    title: "The books then",
    lead: "Revenue and sales as they stood at any moment, folded from the ledger again.",
    now: "Now",
    asOf: (position: number) => `As it stood at ledger position ${count(position)}`,
    net: "Net revenue",
    grossAndRefunded: (gross: string, refunded: string) => `${gross} gross, ${refunded} refunded`,
    bookings: "Bookings",
    cancellations: "Cancellations",
    taken: "Seats taken",
    of: (taken: number, capacity: number) => `${count(taken)} of ${count(capacity)}`,
    events: "Events",
    eventsBy: (active: number, completed: number, cancelled: number) =>
      `${count(active)} active, ${count(completed)} completed, ${count(cancelled)} cancelled`,
  },

  compare: {
    title: "Compare two moments",
    lead: "What became of revenue and sales between two moments, in all and event by event.",
    since: "From",
    first: "The first entry",
    at: "To",
    now: "Now",
    compare: "Compare",
    presets: [
      { label: "Last 24 hours", hours: 24 },
      { label: "Last 7 days", hours: 7 * 24 },
      { label: "All time", hours: null },
    ],
    start: { title: "Which two moments?", text: "Name them above, or take one of the usual spans." },
    between: (before: number, after: number) =>
      `From ledger position ${count(before)} to ledger position ${count(after)}`,
    figures: {
      net: "Net revenue",
      gross: "Gross revenue",
      refunded: "Refunded",
      bookings: "Bookings",
      cancellations: "Cancellations",
      taken: "Seats taken",
      capacity: "Seats",
      active: "Active events",
      completed: "Completed events",
      cancelled: "Cancelled events",
    },
    totals: {
      title: "In all",
      columns: { what: "Figure", before: "Before", after: "After", change: "Change" },
    },
    events: {
      title: "Event by event",
      isNew: "New",
      columns: {
        event: "Event",
        taken: "Seats taken",
        bookings: "Bookings",
        cancellations: "Cancellations",
        refunded: "Refunded",
        net: "Net revenue",
      },
      shown: (shown: number, hasMore: boolean) => {
        if (hasMore) return `The newest ${count(shown)} events that changed`;
        return shown === 1 ? "1 event changed" : `${count(shown)} events changed`;
      },
      none: { title: "No event changed", text: "Nothing was scheduled, sold or cancelled between the two." },
    },
  },

  event: {
    back: "Ledger",
    title: (name: string) => `History of ${name}`,
    untitled: "History of an event",
    lead: "Drag, and see the event as it stood then.",
    slider: "Entry",
    step: (number: number, all: number, isMore: boolean) =>
      `Entry ${count(number)} of ${count(all)}${isMore ? " or more" : ""}`,
    first: "First",
    previous: "Entry before",
    next: "Next entry",
    last: "Last",
    loading: (loaded: number) => `Reading the history… ${count(loaded)} entries`,
    more: "Read on",
    moreText: (loaded: number) => `The first ${count(loaded)} entries are on the slider.`,
    jump: {
      label: "Position or time",
      hint: "A ledger position such as 1042, or a time such as 2026-11-21 20:00 (yours).",
      go: "Go there",
      invalid: "That is neither a position nor a time.",
      notYet: "The event was not there yet then.",
    },
    timeline: "Entries around it",
    asOf: (position: number) => `As it stood at ledger position ${count(position)}`,
    stands: "The event then",
    status: { active: "Active", cancelled: "Cancelled", completed: "Completed" },
    starts: "Starts",
    shows: "Show begins",
    ends: "Ends",
    venue: "Venue",
    salesOpen: "Sales open",
    salesClose: "Sales close",
    limit: "Tickets per customer",
    taken: "Seats taken",
    of: (taken: number, capacity: number) => `${count(taken)} of ${count(capacity)}`,
    columns: { category: "Category", price: "Price", taken: "Taken" },
    share: (name: string) => `Share of the seats in ${name} that was taken`,
    by: (who: string) => `by ${who}`,
    select: (number: number, type: string) => `Entry ${number}: ${type}`,
    notFound: { title: "No such event", text: "The ledger holds no entry about it." },
  },
};
