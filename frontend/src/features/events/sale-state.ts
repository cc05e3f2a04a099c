import type { Event } from "@/shared/api/generated/model";
import { moments } from "@/shared/strings/moments";

export type SaleState = "on-sale" | "sold-out" | "not-open" | "closed" | "past" | "cancelled" | "completed";

/** Whether one can book now. The API decides; this is what the page says before anybody asks. */
export function saleState(event: Event, available: number, now: number): SaleState {
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

/** Until when an event that has begun is on, and until when it or an open date sells; the times as `say` says them. */
export function untilWhen(event: Event, now: number, say: (at: string) => string): string[] {
  const { ends_at, sales_close_at } = event;
  const isOpenDate = event.status === "active" && event.starts_at === null;
  const found: string[] = [];
  if (!isOpenDate && !isOngoing(event, now)) return found;
  if (ends_at !== null && !isReached(ends_at, now)) found.push(moments.onUntil(say(ends_at)));
  if (sales_close_at !== null && !isReached(sales_close_at, now)) found.push(moments.salesUntil(say(sales_close_at)));
  return found;
}

function isReached(at: string | null, now: number): boolean {
  return at !== null && now >= Date.parse(at);
}
