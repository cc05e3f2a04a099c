import type { Booking } from "@/shared/api/generated/model";
import { splitAmount, sumAmounts } from "@/shared/formatting/amounts";

/** What these tickets of a booking cost together. */
export function priceOf(booking: Booking, those: Booking["tickets"]): string {
  const prices = pricesOf(booking);
  return sumAmounts(those.map(({ id }) => prices.get(id) ?? "0"));
}

/** What each ticket cost, by its id. Where a discount leaves cents that can't be shared, the first tickets of a line have them. */
function pricesOf({ lines, tickets }: Booking): Map<string, string> {
  const left = new Map<string, string[]>();
  for (const { category, amount, quantity } of lines)
    left.set(category, [...(left.get(category) ?? []), ...splitAmount(amount, quantity)]);
  return new Map(tickets.map(({ id, category }) => [id, left.get(category)?.shift() ?? "0"]));
}
