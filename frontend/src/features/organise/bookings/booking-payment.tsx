import { Text } from "@mantine/core";

import type { EventBooking } from "@/shared/api/generated/model";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { MoneyButtons } from "@/shared/payments/money-buttons";
import { MoneyCell } from "@/shared/payments/money-cell";
import { hasMoney } from "@/shared/payments/payable";
import { PaymentBadge } from "@/shared/payments/payment-badge";
import { paymentsText } from "@/shared/strings/payments";

interface Props {
  booking: EventBooking;
  onDone: () => void;
}

/** What of a booking is due, owed and refunded, and the buttons to take or give back money. */
export function BookingPayment({ booking, onDone }: Props) {
  if (!hasMoney(booking)) return null;
  const notes = [
    [paymentsText.due, booking.due_amount],
    [paymentsText.owed, booking.refund_due_amount],
    [paymentsText.refunded, booking.refunded_amount],
  ] as const;
  return (
    <MoneyCell>
      <PaymentBadge status={booking.payment_status} />
      {notes.map(
        ([say, amount]) =>
          !isFree(amount) && (
            <Text key={say("")} size="xs" c="dimmed">
              {say(formatMoney(amount, booking.currency))}
            </Text>
          ),
      )}
      <MoneyButtons booking={booking} onDone={onDone} />
    </MoneyCell>
  );
}
