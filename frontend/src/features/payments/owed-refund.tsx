import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";

import type { Payment } from "@/shared/api/generated/model";
import { Dialog } from "@/shared/feedback/dialog";
import { LoadError } from "@/shared/feedback/load-error";
import { BookingRefund } from "@/shared/payments/booking-refund";
import { paymentsText } from "@/shared/strings/payments";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { paidBookingQuery } from "./queries";

const text = paymentsText.refund;

interface Props {
  payment: Payment;
  /** Of its booking. */
  number: number;
  onDone: () => void;
}

/** Pays back what is owed for the booking of a payment. */
export function OwedRefund({ payment, number, onDone }: Props) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button size="xs" variant="light" aria-label={text.label(number)} onClick={open}>
        {text.action}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.title} closeLabel={text.cancel}>
        <Refund
          bookingId={payment.booking_id}
          onCancel={close}
          onDone={() => {
            close();
            onDone();
          }}
        />
      </Dialog>
    </>
  );
}

function Refund({ bookingId, onCancel, onDone }: { bookingId: string; onCancel: () => void; onDone: () => void }) {
  // What was cached before the dialog opened may be out of date, and a form keeps the amount that it began with.
  const { data: booking, error, refetch, isFetchedAfterMount } = useQuery(paidBookingQuery(bookingId));
  if (booking !== undefined && isFetchedAfterMount)
    return <BookingRefund booking={booking} onCancel={onCancel} onDone={onDone} />;
  return error === null ? <LoadingRows rows={3} /> : <LoadError error={error} onRetry={refetch} />;
}
