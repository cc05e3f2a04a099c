import type { EventStats } from "@/shared/api/generated/model";

export type Order = "newest" | "occupancy" | "net" | "cancellations";

const MEASURES: Record<Order, (event: EventStats) => number> = {
  newest: ({ number }) => number,
  occupancy: ({ taken, capacity }) => taken / capacity,
  net: ({ net }) => Number(net),
  cancellations: ({ cancellations }) => cancellations,
};

/** Highest first; equal events newest first. */
export function rankEvents(events: readonly EventStats[], order: Order): EventStats[] {
  const measure = MEASURES[order];
  return events.toSorted((first, second) => measure(second) - measure(first) || second.number - first.number);
}

/** The events with the highest net revenue in that currency, at most `most`. */
export function selectBestSellers(events: readonly EventStats[], currency: string, most: number): EventStats[] {
  const sold = events.filter((event) => event.currency === currency && Number(event.net) > 0);
  return rankEvents(sold, "net").slice(0, most);
}
