import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";

import type { Payment } from "@/shared/api/generated/model";
import { giveUnbookedRefund } from "@/shared/api/generated/payments/payments";
import { Dialog } from "@/shared/feedback/dialog";
import { LoadError } from "@/shared/feedback/load-error";
import { BookingRefund } from "@/shared/payments/booking-refund";
import type { BookingAmounts } from "@/shared/payments/payable";
import { RefundForm } from "@/shared/payments/refund-form";
import { paymentsText } from "@/shared/strings/payments";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { paidBookingQuery } from "./queries";

const text = paymentsText.refund;

/** Pays back what is owed of a payment: for its booking, or because nothing could be booked. */
export function OwedRefund({ payment, onDone }: { payment: Payment; onDone: () => void }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const Refund = payment.booking_number === null ? UnbookedRefund : BookedRefund;
  const done = () => {
    close();
    onDone();
  };
  return (
    <>
      <Button size="xs" variant="light" aria-label={text.label(payment.booking_number)} onClick={open}>
        {text.action}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.title} closeLabel={text.cancel}>
        <Refund payment={payment} onCancel={close} onDone={done} />
      </Dialog>
    </>
  );
}

interface Props {
  payment: Payment;
  onCancel: () => void;
  onDone: () => void;
}

function BookedRefund({ payment, onCancel, onDone }: Props) {
  // What was cached before the dialog opened may be out of date, and a form keeps the amount that it began with.
  const { data: booking, error, refetch, isFetchedAfterMount } = useQuery(paidBookingQuery(payment.booking_id));
  if (booking !== undefined && isFetchedAfterMount)
    return <BookingRefund booking={booking} onCancel={onCancel} onDone={onDone} />;
  return error === null ? <LoadingRows rows={3} /> : <LoadError error={error} onRetry={refetch} />;
}

/** All that is owed of it, which the provider could not pay back. */
function UnbookedRefund({ payment, onCancel, onDone }: Props) {
  const { id, event_id, currency, amount, refund_due_amount, refunded_amount } = payment;
  const paid: BookingAmounts = {
    id, event_id, currency, number: null, payment_status: "refund-due", paid_amount: amount, due_amount: "0",
    refund_due_amount, refunded_amount,
  }; // prettier-ignore
  return (
    <RefundForm
      booking={paid}
      sources={{
        byHand: { owed: refund_due_amount, most: refund_due_amount },
        byProvider: { owed: "0", most: "0" },
      }}
      send={(data, headers) => giveUnbookedRefund(event_id, id, data, headers)}
      onCancel={onCancel}
      onDone={onDone}
    />
  );
}
