import type { Event } from "@/shared/api/generated/model";

export type SaleState = "on-sale" | "sold-out" | "not-open" | "closed" | "past" | "cancelled" | "completed";

/** Whether one can book now. The API decides; this is what the page says before anybody asks. */
export function getSaleState(event: Event, available: number, now: number): SaleState {
  if (event.status !== "active") return event.status;
  if (isReached(event.past_at, now)) return "past";
  if (event.sales_open_at !== null && !isReached(event.sales_open_at, now)) return "not-open";
  if (isReached(event.sales_close_at, now)) return "closed";
  return available > 0 ? "on-sale" : "sold-out";
}

/** Whether it has begun and is not past: an exhibition, a festival. */
export function isOngoing(event: Event, now: number): boolean {
  return event.status === "active" && isReached(event.starts_at, now) && !isReached(event.past_at, now);
}

/** Of an event that has begun: until when it is on. Of one that has, or has an open date: until when it sells. Null: not known. */
export function getEndTimes(event: Event, now: number): { on: string | null; sales: string | null } {
  const { status, starts_at, ends_at, sales_close_at } = event;
  const sells = isOngoing(event, now) || (status === "active" && starts_at === null);
  const toCome = (at: string | null) => (sells && !isReached(at, now) ? at : null);
  return { on: toCome(ends_at), sales: toCome(sales_close_at) };
}

function isReached(at: string | null, now: number): boolean {
  return at !== null && now >= Date.parse(at);
}
