import type { Event } from "@/shared/api/generated/model";

export type SaleState = "on-sale" | "sold-out" | "not-open" | "closed" | "past" | "cancelled" | "completed";

/** Whether tickets can be booked now, for display. The API decides. */
export function getSaleState(event: Event, available: number, now: number): SaleState {
  if (event.status !== "active") return event.status;
  if (isReached(event.past_at, now)) return "past";
  if (event.sales_open_at !== null && !isReached(event.sales_open_at, now)) return "not-open";
  if (isReached(event.sales_close_at, now)) return "closed";
  return available > 0 ? "on-sale" : "sold-out";
}

/** Whether the event has started and is not over: an exhibition, a festival. */
export function isOngoing(event: Event, now: number): boolean {
  return event.status === "active" && isReached(event.starts_at, now) && !isReached(event.past_at, now);
}

/** Until when an ongoing event lasts (`on`), and until when an ongoing or undated one sells (`sales`). Null: unknown. */
export function getEndTimes(event: Event, now: number): { on: string | null; sales: string | null } {
  const { status, starts_at, ends_at, sales_close_at } = event;
  const sells = isOngoing(event, now) || (status === "active" && starts_at === null);
  const toCome = (at: string | null) => (sells && !isReached(at, now) ? at : null);
  return { on: toCome(ends_at), sales: toCome(sales_close_at) };
}

function isReached(at: string | null, now: number): boolean {
  return at !== null && now >= Date.parse(at);
}
