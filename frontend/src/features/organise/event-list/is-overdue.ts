import type { Event } from "@/shared/api/generated/model";

/** Whether the event has ended, sales have closed, and it is not completed yet. An open date never ends by itself. */
export function isOverdue({ status, past_at, ends_at }: Event, now: number): boolean {
  if (status !== "active" || past_at === null) return false;
  return now > Math.max(Date.parse(past_at), Date.parse(ends_at ?? past_at));
}
