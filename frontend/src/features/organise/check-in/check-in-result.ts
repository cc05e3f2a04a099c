import type { Ticket } from "@/shared/api/generated/model";
import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { formatTimeAgo, formatTimestamp } from "@/shared/formatting/durations";
import { formatMoney } from "@/shared/formatting/money";
import { amountIn } from "@/shared/payments/use-money-command";

import { checkInText } from "./strings";

const text = checkInText.reasons;

/** The result of a check-in. `unclear`: not decided; the same ticket must be checked again. */
export interface CheckInResult {
  answer: "yes" | "no" | "unclear";
  /** The ticket's category, or the reason for the refusal. */
  why: string;
  /** What has to be paid first, in the currency of the event. */
  due?: string;
}

export function toAdmission(ticket: Ticket): CheckInResult {
  return { answer: "yes", why: ticket.category };
}

/** The result of a check-in that failed: refused, or unclear. `now` in milliseconds; `currency` of the event. */
export function toFailedResult(error: unknown, now: number, currency: string): CheckInResult {
  if (isKind(error, "ticket-already-used")) {
    const { used_at } = error.problem;
    if (typeof used_at !== "string") return no(text.usedSometime);
    return no(text.used(formatTimestamp(used_at), formatTimeAgo(used_at, now)));
  }
  if (isKind(error, "payment-due")) {
    const due = amountIn(error, "due_amount");
    return { ...no(text.paymentDue(formatMoney(due, currency))), due };
  }
  if (isKind(error, "ticket-cancelled", "already-cancelled")) return no(text.cancelled);
  if (isKind(error, "wrong-event")) return no(text.wrongEvent);
  if (isKind(error, "invalid-code", "malformed")) return no(text.notACode);
  if (isKind(error, "booking-not-found")) return no(text.unknownBooking);
  if (isKind(error, "event-not-bookable")) return no(closed(error.problem.reason));
  return {
    answer: "unclear",
    why: isKind(error, "busy")
      ? text.busy
      : isKind(error, UNREACHABLE, "outcome-unknown")
        ? text.unreachable
        : text.other,
  };
}

function no(why: string): CheckInResult {
  return { answer: "no", why };
}

function closed(reason: string | undefined): string {
  return reason === "cancelled" || reason === "completed" ? text.eventClosed[reason] : text.eventClosed.past;
}
