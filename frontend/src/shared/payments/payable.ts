import type { Booking, Event, OnlineMethod, PaymentMethod } from "@/shared/api/generated/model";
import { subtractAmounts, sumAmounts } from "@/shared/formatting/amounts";

/** The money of a booking. */
export type BookingAmounts = Pick<
  Booking,
  | "id"
  | "event_id"
  | "currency"
  | "payment_status"
  | "paid_amount"
  | "due_amount"
  | "refund_due_amount"
  | "refunded_amount"
> & {
  /** Null: nothing could be booked for what was paid. */
  number: number | null;
};

/** Whether Seatledger accounts for what is paid for the event. */
export function isPaidHere({ payment }: Pick<Event, "payment">): boolean {
  return payment.methods.length > 0;
}

/** Whether bookings that cost something can be paid at the event's box office, and are due until then. */
export function isPaidAtBoxOffice({ payment }: Pick<Event, "payment">): boolean {
  return payment.methods.includes("box_office");
}

/** The methods by which an order can be paid before its seats are booked. */
export function onlineMethodsOf({ payment }: Pick<Event, "payment">): OnlineMethod[] {
  return payment.methods.filter(isOnlineMethod);
}

export function isOnlineMethod(method: PaymentMethod): method is OnlineMethod {
  return method !== "box_office";
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
