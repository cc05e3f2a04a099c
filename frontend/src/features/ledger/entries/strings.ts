import type { EntryType } from "@/shared/api/generated/model";
import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

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

export const entriesText = {
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
  show: (position: number) => `Show the body of entry ${formatCount(position)}`,
  hide: (position: number) => `Hide the body of entry ${formatCount(position)}`,
  bodyOf: (position: number) => `Entry ${formatCount(position)} as JSON`,
  history: (id: string) => `History of event ${id}`,
  onlyActor: (id: string) => `Only entries of actor ${id}`,
  nobody: "nobody signed in",
  download: "Download NDJSON",
  shown: (shown: number, hasMore: boolean) => {
    if (hasMore) return `The first ${formatCount(shown)} entries`;
    return shown === 1 ? "1 entry" : `${formatCount(shown)} entries`;
  },
  searching: (places: number) => `Searching… ${formatCount(places)} places looked at`,
  searchOn: {
    text: (places: number) => `Nothing matched in the next ${formatCount(places)} places. There are more.`,
    action: "Search on",
  },
  none: { title: "The ledger is empty", text: "The first event that is scheduled is its first entry." },
  noMatch: { title: "No entry matches", text: "Take another type, or a longer time.", action: "Clear filters" },
  what: {
    scheduled: (name: string, seats: number) => `${name}, ${formatCount(seats)} seats`,
    details: (name: string) => name,
    added: (name: string, seats: number) => `${name}, ${formatCount(seats)} seats`,
    renamed: (name: string) => `Now ${name}`,
    price: (category: number) => `Of category ${category}, for new bookings`,
    capacity: (seats: number, category: number) => `Category ${category} has ${formatCount(seats)} seats`,
    removed: (category: number) => `Category ${category}`,
    line: (quantity: number, name: string) => `${formatCount(quantity)} × ${name}`,
    whole: "The whole booking",
    some: (quantity: number) => `${tickets(quantity)} of it`,
    used: (ticket: number) => `Ticket ${ticket} of its booking`,
  },
};
