import type { Event } from "@/shared/api/generated/model";

export type SaleState = "on-sale" | "sold-out" | "not-open" | "closed" | "past" | "cancelled" | "completed";

/** Whether one can book now. The API decides; this is what the page says before anybody asks. */
export function saleState(event: Event, available: number, now: number): SaleState {
  if (event.status !== "active") return event.status;
  if (now >= Date.parse(event.starts_at)) return "past";
  if (event.sales_open_at !== null && now < Date.parse(event.sales_open_at)) return "not-open";
  if (event.sales_close_at !== null && now >= Date.parse(event.sales_close_at)) return "closed";
  return available > 0 ? "on-sale" : "sold-out";
}
