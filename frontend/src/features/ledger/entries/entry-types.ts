import type { Entry, EntryType } from "@/shared/api/generated/model";

import { formatMinorUnits } from "@/shared/formatting/money";

import { entriesText, nameMethod } from "./strings";

const text = entriesText.summaries;

type Body = Readonly<Record<string, unknown>>;

interface EntryTypeText {
  name: string;
  /** Of its badge. By default grey. */
  colour?: string;
  describe: (body: Body) => string;
}

/** All that this page knows of an entry type. */
const ENTRY_TYPES: Record<EntryType, EntryTypeText> = {
  "event-scheduled": {
    name: "Event scheduled",
    describe: (body) => text.scheduled(textAt(body.details, "name"), seatsOf(body.categories)),
  },
  "event-details-changed": { name: "Details changed", describe: (body) => text.details(textAt(body.details, "name")) },
  "category-added": {
    name: "Category added",
    describe: (body) => text.added(textAt(body.category, "name"), numberAt(body.category, "capacity")),
  },
  "category-renamed": { name: "Category renamed", describe: (body) => text.renamed(textAt(body, "name")) },
  "price-changed": { name: "Price changed", describe: (body) => text.price(numberAt(body, "category")) },
  "capacity-changed": {
    name: "Capacity changed",
    describe: (body) => text.capacity(numberAt(body, "capacity"), numberAt(body, "category")),
  },
  "category-removed": { name: "Category removed", describe: (body) => text.removed(numberAt(body, "category")) },
  "pools-set": { name: "Pools set", describe: (body) => text.pools(list(body.pools).length) },
  "codes-made": { name: "Promo codes made", describe: (body) => text.codes(numberAt(body.batch, "count")) },
  "codes-withdrawn": { name: "Promo codes withdrawn", describe: (body) => text.batch(numberAt(body, "batch")) },
  "seats-held": { name: "Seats held", describe: (body) => linesOf(body.lines) },
  "hold-extended": { name: "Hold extended", describe: () => "" },
  "hold-released": { name: "Hold released", describe: () => "" },
  "holds-lapsed": { name: "Holds lapsed", describe: (body) => text.lapsed(list(body.hold_ids).length) },
  "seats-booked": { name: "Seats booked", colour: "ledger", describe: (body) => linesOf(body.lines) },
  "booking-cancelled": {
    name: "Booking cancelled",
    colour: "orange",
    describe: (body) => (body.whole === true ? text.whole : text.some(list(body.tickets).length)),
  },
  "ticket-used": { name: "Ticket used", colour: "blue", describe: (body) => text.used(numberAt(body, "ticket") + 1) },
  "payment-started": { name: "Payment started", describe: (body) => nameMethod(textAt(body, "method")) },
  "payment-received": {
    name: "Payment received",
    colour: "green",
    describe: (body) => text.received(amountOf(body), textAt(body, "method")),
  },
  "refund-owed": {
    name: "Refund owed",
    colour: "orange",
    describe: (body) => text.owed(textAt(body, "reason")),
  },
  "refund-paid": { name: "Refund paid", colour: "green", describe: (body) => nameMethod(textAt(body, "method")) },
  "refund-failed": { name: "Refund failed", colour: "red", describe: (body) => text.failed(textAt(body, "reason")) },
  "event-cancelled": { name: "Event cancelled", colour: "red", describe: (body) => textAt(body, "reason") },
  "event-completed": { name: "Event completed", describe: () => "" },
};

/** A short description of an entry. Empty for unreadable entries and for types that this page does not know. */
export function describeEntry({ type, body }: Entry): string {
  return known(type)?.describe(body) ?? "";
}

export function nameEntryType(type: string): string {
  return known(type)?.name ?? (type || entriesText.unreadable);
}

export function colourEntryType(type: string): string {
  return known(type)?.colour ?? "gray";
}

function known(type: string): EntryTypeText | undefined {
  return type in ENTRY_TYPES ? ENTRY_TYPES[type as EntryType] : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function at(value: unknown, name: string | number): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[name] : undefined;
}

function textAt(value: unknown, name: string | number): string {
  const field = at(value, name);
  return typeof field === "string" ? field : "";
}

function numberAt(value: unknown, name: string | number): number {
  const field = at(value, name);
  return typeof field === "number" ? field : 0;
}

function seatsOf(categories: unknown): number {
  return list(categories).reduce<number>((all, category) => all + numberAt(category, "capacity"), 0);
}

/** The amount of an entry that names its currency; of others the currency is that of the event. */
function amountOf(body: Body): string {
  const currency = textAt(body, "currency");
  return /^[A-Z]{3}$/.test(currency) ? formatMinorUnits(numberAt(body, "amount"), currency) : "";
}

/** A line is category, name, quantity, price. */
function linesOf(lines: unknown): string {
  return list(lines)
    .map((line) => text.line(numberAt(line, 2), textAt(line, 1)))
    .join(", ");
}
