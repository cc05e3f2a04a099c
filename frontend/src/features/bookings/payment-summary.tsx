import { Stack } from "@mantine/core";

import type { Booking } from "@/shared/api/generated/model";
import { formatMoney } from "@/shared/formatting/money";
import { AmountRow, OrderLines } from "@/shared/orders/order-lines";

import { bookingsText } from "./strings";

/** The amounts of a booking, line by line, and its refund. */
export function PaymentSummary({ booking }: { booking: Booking }) {
  const { currency } = booking;
  return (
    <Stack gap={6}>
      <OrderLines lines={booking.lines} currency={currency} />
      <AmountRow label={bookingsText.total} amount={formatMoney(booking.total_amount, currency)} fw={700} />
      {Number(booking.refunded_amount) > 0 && (
        <AmountRow label={bookingsText.refunded} amount={`−${formatMoney(booking.refunded_amount, currency)}`} />
      )}
    </Stack>
  );
}
