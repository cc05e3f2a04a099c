import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";
import { paymentsText } from "@/shared/strings/payments";

export const nameMethod = (method: string) => paymentsText.methods[method] ?? method;
const asSentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

export const entriesText = {
  title: "Ledger",
  lead: "Every entry, in order. Entries are never changed or removed.",
  unreadable: "Unreadable",
  filters: {
    type: "Type",
    anyType: "All types",
    actor: "Actor",
    actorHint: "Account id",
    noActorId: "Enter a valid account id.",
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
    details: "Details",
    event: "Event",
    actor: "Actor",
    body: "Body",
  },
  show: (position: number) => `Show the body of entry ${formatCount(position)}`,
  hide: (position: number) => `Hide the body of entry ${formatCount(position)}`,
  bodyOf: (position: number) => `Entry ${formatCount(position)} as JSON`,
  history: (id: string) => `History of event ${id}`,
  onlyActor: (id: string) => `Only entries of actor ${id}`,
  nobody: "not signed in",
  download: "Download NDJSON",
  shown: (shown: number, hasMore: boolean) => {
    if (hasMore) return `The first ${formatCount(shown)} entries`;
    return shown === 1 ? "1 entry" : `${formatCount(shown)} entries`;
  },
  searching: (count: number) => `Searching… ${formatCount(count)} positions searched`,
  searchOn: {
    text: (count: number) => `No match in the next ${formatCount(count)} positions. There are more.`,
    action: "Continue searching",
  },
  none: { title: "The ledger is empty", text: "The first scheduled event creates the first entry." },
  noMatch: { title: "No entries found", text: "Try another type or a longer period.", action: "Clear filters" },
  summaries: {
    scheduled: (name: string, seats: number) => `${name}, ${formatCount(seats)} seats`,
    details: (name: string) => name,
    added: (name: string, seats: number) => `${name}, ${formatCount(seats)} seats`,
    renamed: (name: string) => `Now ${name}`,
    price: (category: number) => `Category ${category}, for new bookings`,
    capacity: (seats: number, category: number) => `Category ${category} has ${formatCount(seats)} seats`,
    removed: (category: number) => `Category ${category}`,
    line: (quantity: number, name: string) => `${formatCount(quantity)} × ${name}`,
    whole: "All tickets of the booking",
    some: (quantity: number) => `${tickets(quantity)} of the booking`,
    pools: (quantity: number) => (quantity === 1 ? "1 pool" : `${formatCount(quantity)} pools`),
    codes: (quantity: number) => (quantity === 1 ? "1 code" : `${formatCount(quantity)} codes`),
    batch: (number: number) => `Batch ${number}`,
    lapsed: (quantity: number) => (quantity === 1 ? "1 hold" : `${formatCount(quantity)} holds`),
    received: (amount: string, method: string) =>
      [amount, nameMethod(method).toLowerCase()].filter((part) => part !== "").join(", "),
    owed: (reason: string) => (reason === "" ? "" : asSentence(paymentsText.movements.reasons[reason] ?? reason)),
    failed: (reason: string) => asSentence(paymentsText.movements.failures[reason] ?? reason),
    used: (ticket: number) => `Ticket ${ticket} of the booking`,
  },
};
