import { Dialog } from "@/shared/feedback/dialog";
import { paymentsText } from "@/shared/strings/payments";

import { BookingRefund } from "./booking-refund";
import type { BookingAmounts } from "./payable";
import { PaymentForm } from "./payment-form";

interface Props {
  what: "take" | "refund";
  booking: BookingAmounts;
  isOpen: boolean;
  onClose: () => void;
  onDone: () => void;
}

/** Takes a payment or pays a refund for a booking. */
export function MoneyDialog({ what, booking, isOpen, onClose, onDone }: Props) {
  const { title, cancel } = paymentsText[what];
  const Form = what === "take" ? PaymentForm : BookingRefund;
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={title} closeLabel={cancel}>
      <Form booking={booking} onDone={onDone} onCancel={onClose} />
    </Dialog>
  );
}
