import type { Entry, EntryType } from "@/shared/api/generated/model";

import { entriesText } from "./strings";

const text = entriesText.what;

type Body = Readonly<Record<string, unknown>>;

const DESCRIPTIONS: Record<EntryType, (body: Body) => string> = {
  "event-scheduled": (body) => text.scheduled(textAt(body.details, "name"), seatsOf(body.categories)),
  "event-details-changed": (body) => text.details(textAt(body.details, "name")),
  "category-added": (body) => text.added(textAt(body.category, "name"), numberAt(body.category, "capacity")),
  "category-renamed": (body) => text.renamed(textAt(body, "name")),
  "price-changed": (body) => text.price(numberAt(body, "category")),
  "capacity-changed": (body) => text.capacity(numberAt(body, "capacity"), numberAt(body, "category")),
  "category-removed": (body) => text.removed(numberAt(body, "category")),
  "seats-booked": (body) => linesOf(body.lines),
  "booking-cancelled": (body) => (body.whole === true ? text.whole : text.some(list(body.tickets).length)),
  "ticket-used": (body) => text.used(numberAt(body, "ticket") + 1),
  "event-cancelled": (body) => textAt(body, "reason"),
  "event-completed": () => "",
};

/** A short description of an entry. Empty for unreadable entries and for types that this page does not know. */
export function describeEntry({ type, body }: Entry): string {
  return type in DESCRIPTIONS ? DESCRIPTIONS[type as EntryType](body) : "";
}

export function nameEntryType(type: string): string {
  return type in entriesText.types ? entriesText.types[type as EntryType] : type || entriesText.unreadable;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function at(value: unknown, name: string | number): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[name] : undefined;
}

function textAt(value: unknown, name: string | number): string {
  const found = at(value, name);
  return typeof found === "string" ? found : "";
}

function numberAt(value: unknown, name: string | number): number {
  const found = at(value, name);
  return typeof found === "number" ? found : 0;
}

function seatsOf(categories: unknown): number {
  return list(categories).reduce<number>((all, category) => all + numberAt(category, "capacity"), 0);
}

/** A line is category, name, quantity, price. */
function linesOf(lines: unknown): string {
  return list(lines)
    .map((line) => text.line(numberAt(line, 2), textAt(line, 1)))
    .join(", ");
}
