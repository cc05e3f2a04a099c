import { Stack, Text } from "@mantine/core";

import type { Booking } from "@/shared/api/generated/model";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { AmountRow, OrderLines } from "@/shared/orders/order-lines";
import { hasMoney } from "@/shared/payments/payable";
import { PaymentBadge } from "@/shared/payments/payment-badge";

import { bookingsText } from "./strings";

const text = bookingsText.payment;

/** The amounts of a booking, line by line, and what of it is due, paid, owed back and paid back. */
export function PaymentSummary({ booking }: { booking: Booking }) {
  const { currency } = booking;
  return (
    <Stack gap={6}>
      <PaymentBadge status={booking.payment_status} />
      <OrderLines lines={booking.lines} currency={currency} />
      <AmountRow label={bookingsText.total} amount={formatMoney(booking.total_amount, currency)} fw={700} />
      {hasMoney(booking) ? (
        <Money booking={booking} />
      ) : (
        !isFree(booking.refunded_amount) && (
          <AmountRow label={bookingsText.refunded} amount={`−${formatMoney(booking.refunded_amount, currency)}`} />
        )
      )}
    </Stack>
  );
}

function Money({ booking }: { booking: Booking }) {
  const { currency, paid_amount, due_amount, refund_due_amount, refunded_amount } = booking;
  return (
    <>
      {!isFree(paid_amount) && <AmountRow label={text.paid} amount={formatMoney(paid_amount, currency)} />}
      {!isFree(refunded_amount) && (
        <AmountRow label={text.refunded} amount={`−${formatMoney(refunded_amount, currency)}`} />
      )}
      {!isFree(refund_due_amount) && (
        <>
          <AmountRow label={text.owed} amount={formatMoney(refund_due_amount, currency)} fw={700} />
          <Text size="sm">{text.owedHint}</Text>
        </>
      )}
      {!isFree(due_amount) && (
        <>
          <AmountRow label={text.due} amount={formatMoney(due_amount, currency)} fw={700} />
          <Text size="sm">{text.dueHint}</Text>
        </>
      )}
    </>
  );
}
