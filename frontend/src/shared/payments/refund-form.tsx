import { Checkbox, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";

import type { Booking } from "@/shared/api/generated/model";
import { isMore, subtractAmounts } from "@/shared/formatting/amounts";
import { decimalsOf, formatMoney, isFree } from "@/shared/formatting/money";
import { useFocusInvalid } from "@/shared/forms/use-focus-invalid";
import { parsePrice } from "@/shared/forms/parse-number";
import { paymentsText } from "@/shared/strings/payments";

import { MethodFields, MoneyActions, MoneyAmount, type MoneyValues } from "./money-fields";
import { refundableOf, type BookingAmounts } from "./payable";
import { useMoneyCommand } from "./use-money-command";

const text = paymentsText.refund;

interface Props {
  booking: BookingAmounts;
  onDone: (booking: Booking) => void;
  onCancel: () => void;
}

/** Records that the box office gives money back: what is owed, less, or after a confirmation more. */
export function RefundForm({ booking, onDone, onCancel }: Props) {
  const { currency, refund_due_amount: owed } = booking;
  const most = refundableOf(booking);
  const { element, focusInvalid } = useFocusInvalid();
  const money = (amount: string) => formatMoney(amount, currency);
  const form = useForm<MoneyValues>({
    initialValues: { kind: "cash", amount: isFree(owed) ? "" : owed, reference: "", isAgreed: false },
    validate: {
      amount: (typed) => findProblem(typed, booking),
      isAgreed: (isAgreed, { amount }) => (goodwillIn(amount, booking) !== null && !isAgreed ? text.agree : null),
    },
  });
  const { record, isFixed, ...command } = useMoneyCommand("refund", booking, {
    onDone,
    onErrors: (errors) => {
      form.setErrors(errors);
      focusInvalid();
    },
  });
  const { value: amount } = parsePrice(form.values.amount, currency);
  const goodwill = goodwillIn(form.values.amount, booking);

  const submit = form.onSubmit(({ kind, reference }) => {
    if (amount === null) return;
    record({ kind, amount, reference: reference.trim(), ...(goodwill === null ? {} : { goodwill: true }) });
  }, focusInvalid);
  return (
    <form ref={element} onSubmit={submit} noValidate>
      <Stack gap="md">
        <MoneyAmount label={text.owed(booking.number)} amount={money(owed)} />
        <TextInput
          label={paymentsText.amount}
          description={text.most(money(most))}
          inputMode="decimal"
          autoComplete="off"
          maw={340}
          readOnly={isFixed}
          {...form.getInputProps("amount")}
          onChange={({ currentTarget }) => form.setValues({ amount: currentTarget.value, isAgreed: false })}
        />
        {goodwill !== null && (
          <Checkbox
            label={(isFree(owed) ? text.nothingOwed : text.partOwed)(money(goodwill))}
            disabled={isFixed}
            aria-invalid={form.errors.isAgreed !== undefined}
            {...form.getInputProps("isAgreed", { type: "checkbox" })}
          />
        )}
        <MethodFields form={form} isFixed={isFixed} />
        <MoneyActions
          submit={amount === null ? text.submitNothing : text.submit(money(amount))}
          cancel={text.cancel}
          onCancel={onCancel}
          {...command}
        />
      </Stack>
    </form>
  );
}

/** How much of the amount, as typed, is more than owed; null: nothing, or it can't be paid back. */
function goodwillIn(typed: string, booking: BookingAmounts): string | null {
  const { value } = parsePrice(typed, booking.currency);
  if (value === null || findProblem(typed, booking) !== null || !isMore(value, booking.refund_due_amount)) return null;
  return subtractAmounts(value, booking.refund_due_amount);
}

function findProblem(typed: string, booking: BookingAmounts): string | null {
  const { checks } = paymentsText;
  const { currency } = booking;
  const { value, problem } = parsePrice(typed, currency);
  if (problem === "ambiguous") return checks.ambiguous;
  if (problem === "other-currency") return checks.otherCurrency(currency);
  if (value === null || isFree(value)) return decimalsOf(currency) === 0 ? checks.wholeAmount : checks.amount;
  const most = refundableOf(booking);
  return isMore(value, most) ? checks.most(formatMoney(most, currency)) : null;
}
