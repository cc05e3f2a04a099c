import type { Event } from "@/shared/api/generated/model";

/** Whether nobody can book any more and it has ended, and it is still to be completed. An open date is never over by itself. */
export function isOverdue({ status, past_at, ends_at }: Event, now: number): boolean {
  if (status !== "active" || past_at === null) return false;
  return now > Math.max(Date.parse(past_at), Date.parse(ends_at ?? past_at));
}
