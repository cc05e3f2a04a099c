import { Stack } from "@mantine/core";
import { useForm } from "@mantine/form";

import type { Booking, BoxOfficeMethod, NewPayment } from "@/shared/api/generated/model";
import { takePayment } from "@/shared/api/generated/payments/payments";
import { formatMoney } from "@/shared/formatting/money";
import { useFocusInvalid } from "@/shared/forms/use-focus-invalid";
import { paymentsText } from "@/shared/strings/payments";

import { MethodFields, MoneyActions, MoneyAmount, type MoneyValues } from "./money-fields";
import type { BookingAmounts } from "./payable";
import { useMoneyCommand } from "./use-money-command";

const text = paymentsText.take;

interface Props {
  booking: BookingAmounts;
  onDone: (booking: Booking) => void;
  onCancel?: () => void;
}

/** Records that the box office takes what is due for a booking. */
export function PaymentForm({ booking, onDone, onCancel }: Props) {
  const { element, focusInvalid } = useFocusInvalid();
  const form = useForm<MoneyValues<BoxOfficeMethod>>({
    initialValues: { kind: "cash", amount: "", reference: "", isAgreed: false },
  });
  const { record, due, isFixed, ...command } = useMoneyCommand({
    what: "take",
    booking,
    send: (data: NewPayment, headers) => takePayment(booking.id, data, headers),
    onDone,
    onErrors: (errors) => {
      form.setErrors(errors);
      focusInvalid();
    },
  });
  const amount = due ?? booking.due_amount;
  const shown = formatMoney(amount, booking.currency);
  return (
    <form
      ref={element}
      onSubmit={form.onSubmit(({ kind, reference }) => record({ kind, amount, reference: reference.trim() }))}
      noValidate
    >
      <Stack gap="md">
        <MoneyAmount label={text.due(booking.number)} amount={shown} />
        <MethodFields form={form} isFixed={isFixed} />
        <MoneyActions submit={text.submit(shown)} cancel={text.cancel} onCancel={onCancel} {...command} />
      </Stack>
    </form>
  );
}
