import type { Booking, Event } from "@/shared/api/generated/model";
import { subtractAmounts, sumAmounts } from "@/shared/formatting/amounts";

/** The money of a booking. */
export type BookingAmounts = Pick<
  Booking,
  | "id"
  | "event_id"
  | "number"
  | "currency"
  | "payment_status"
  | "paid_amount"
  | "due_amount"
  | "refund_due_amount"
  | "refunded_amount"
>;

/** Whether bookings that cost something are paid at the event's box office, and are due until then. */
export function isPaidAtBoxOffice({ payment }: Event): boolean {
  return payment.methods.includes("box_office");
}

/**
 * Whether Seatledger accounts for the money of a booking. Not known of one that was cancelled before it was paid, which has no
 * money.
 */
export function hasMoney({ payment_status }: Pick<Booking, "payment_status">): boolean {
  return payment_status !== "none-due";
}

/** What was paid and not paid back. */
export function refundableOf(booking: BookingAmounts): string {
  return hasMoney(booking) ? subtractAmounts(booking.paid_amount, booking.refunded_amount) : "0";
}

/** What was paid, and is neither owed back nor was paid back. */
export function keptOf(booking: BookingAmounts): string {
  return sumAmounts([refundableOf(booking), `-${booking.refund_due_amount}`]);
}
