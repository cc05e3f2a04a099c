import type { EventBooking } from "@/shared/api/generated/model";
import { MoneyButtons } from "@/shared/payments/money-buttons";
import { MoneyCell } from "@/shared/payments/money-cell";
import { MoneyNotes } from "@/shared/payments/money-notes";
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
  return (
    <MoneyCell>
      <PaymentBadge status={booking.payment_status} />
      <MoneyNotes
        currency={booking.currency}
        notes={[
          [paymentsText.due, booking.due_amount],
          [paymentsText.owed, booking.refund_due_amount],
          [paymentsText.refunded, booking.refunded_amount],
        ]}
      />
      <MoneyButtons booking={booking} onDone={onDone} />
    </MoneyCell>
  );
}
