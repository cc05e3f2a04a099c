import { Alert } from "@mantine/core";

import type { Booking } from "@/shared/api/generated/model";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { hasMoney } from "@/shared/payments/payable";

import { bookingsText } from "./strings";

/** Says that the event of a booking was cancelled, and what is owed for it. */
export function EventCancelled({ booking }: { booking: Booking }) {
  return (
    <Alert color="red" title={bookingsText.bookingStatus.cancelled}>
      {describe(booking)}
    </Alert>
  );
}

function describe(booking: Booking): string {
  const text = bookingsText.eventCancelled;
  const money = (amount: string) => formatMoney(amount, booking.currency);
  if (!isFree(booking.refund_due_amount)) return text.owed(money(booking.refund_due_amount));
  if (isFree(booking.refunded_amount)) return text.nothing;
  return hasMoney(booking) ? text.refunded(money(booking.refunded_amount)) : text.refund;
}
