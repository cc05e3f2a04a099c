import type { Event } from "@/shared/api/generated/model";

/** How many tickets of which category, by the category's id. NaN: what was typed there is no quantity. */
export type TicketSelection = Readonly<Record<string, number>>;

/** Whether each quantity is one. */
export function isValidSelection(choice: TicketSelection): boolean {
  return !Object.values(choice).some(Number.isNaN);
}

/** The name of the query parameter that holds a choice. */
export const SELECTION_PARAMETER = "tickets";

/** The query of an address that holds this choice. */
export function toSearchParams(choice: TicketSelection): URLSearchParams {
  const text = formatSelection(choice);
  return new URLSearchParams(text === "" ? {} : { [SELECTION_PARAMETER]: text });
}

/** In an address, so that it survives signing in and loading the page again: `<category>:2,<category>:1`. */
export function formatSelection(choice: TicketSelection): string {
  return Object.entries(choice)
    .filter(([, quantity]) => quantity > 0)
    .map(([id, quantity]) => `${id}:${quantity}`)
    .join(",");
}

/** What an address says, as far as the event has it. */
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
