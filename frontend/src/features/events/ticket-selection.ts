import type { Event } from "@/shared/api/generated/model";

/** Quantities by category id. NaN: the entry is not a quantity. */
export type TicketSelection = Readonly<Record<string, number>>;

/** Whether every quantity is valid. */
export function isValidSelection(choice: TicketSelection): boolean {
  return !Object.values(choice).some(Number.isNaN);
}

/** The query parameter that holds a selection. */
export const SELECTION_PARAMETER = "tickets";

/** The search parameters of a URL with this selection. */
export function toSearchParams(choice: TicketSelection): URLSearchParams {
  const text = formatSelection(choice);
  return new URLSearchParams(text === "" ? {} : { [SELECTION_PARAMETER]: text });
}

/** The address of the event's page with this selection. */
export function selectionPath(event: Event, choice: TicketSelection): string {
  return `/events/${event.id}?${toSearchParams(choice)}`;
}

/** The selection for a URL, so that it survives signing in and reloading: `<category>:2,<category>:1`. */
export function formatSelection(choice: TicketSelection): string {
  return Object.entries(choice)
    .filter(([, quantity]) => quantity > 0)
    .map(([id, quantity]) => `${id}:${quantity}`)
    .join(",");
}

/** Parses the selection of a URL; unknown categories are ignored. */
export function parseSelection(text: string | null, event: Event): TicketSelection {
  const choice: Record<string, number> = {};
  for (const part of (text ?? "").split(",")) {
    const [id = "", quantity = ""] = part.split(":");
    const isKnown = event.categories.some((category) => category.id === id);
    if (isKnown && /^[1-9]\d{0,5}$/.test(quantity)) choice[id] = Number(quantity);
  }
  return choice;
}

/** The lines of a booking, in the event's order of categories. */
export function toBookingLines(
  choice: TicketSelection,
  event: Event,
): { category: string; quantity: number; price: string }[] {
  return event.categories
    .map(({ id, name, price }) => ({ category: name, quantity: choice[id] ?? 0, price }))
    .filter(({ quantity }) => quantity > 0);
}
