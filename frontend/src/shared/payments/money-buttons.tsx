import { Button, Group } from "@mantine/core";
import { useState } from "react";

import { isFree } from "@/shared/formatting/money";
import { paymentsText as text } from "@/shared/strings/payments";

import { MoneyDialog } from "./money-dialog";
import { refundableOf, type BookingAmounts } from "./payable";

type What = "take" | "refund";

interface Props {
  booking: BookingAmounts;
  onDone: () => void;
}

/** What the box office can do with the money of a booking: take what is due, or pay back. */
export function MoneyButtons({ booking, onDone }: Props) {
  const [asked, setAsked] = useState<{ what: What; isOpen: boolean; booking: BookingAmounts } | null>(null);
  const { number, due_amount, refund_due_amount } = booking;
  const open = (what: What) => setAsked({ what, isOpen: true, booking });
  const close = () => setAsked((before) => before && { ...before, isOpen: false });
  return (
    <Group gap="xs">
      {!isFree(due_amount) && (
        <Button size="xs" aria-label={text.take.label(number)} onClick={() => open("take")}>
          {text.take.action}
        </Button>
      )}
      {!isFree(refundableOf(booking)) && (
        <Button
          size="xs"
          {...(isFree(refund_due_amount) ? { variant: "subtle", px: 0 } : { variant: "light" })}
          aria-label={text.refund.label(number)}
          onClick={() => open("refund")}
        >
          {text.refund.action}
        </Button>
      )}
      {asked !== null && (
        <MoneyDialog
          key={asked.what}
          what={asked.what}
          booking={asked.booking}
          isOpen={asked.isOpen}
          onClose={close}
          onDone={() => {
            close();
            onDone();
          }}
        />
      )}
    </Group>
  );
}
