import type { Booking } from "@/shared/api/generated/model";
import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { isFree } from "@/shared/formatting/money";

const ASK_AGAIN_MILLISECONDS = 4_000;
const REFUND_MILLISECONDS = 5_000;

/** The interval at which a query that could not be answered at the moment is sent again. */
export function whileUnanswered({ state }: { state: { error: unknown } }): number | false {
  return isKind(state.error, UNREACHABLE, "busy", "stale-read", "still-computing") && ASK_AGAIN_MILLISECONDS;
}

/** The interval at which a booking is read again: while a refund is under way, so that its page says when it was paid. */
export function whileRefundDue(booking: Booking | undefined, query: { state: { error: unknown } }): number | false {
  const isDue = booking !== undefined && !isFree(booking.refund_due_amount);
  return isDue ? REFUND_MILLISECONDS : whileUnanswered(query);
}
