import { Checkbox, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";

import { BoxOfficeMethod, RefundMethod, type NewRefund } from "@/shared/api/generated/model";
import { giveRefund } from "@/shared/api/generated/payments/payments";
import { isMore, subtractAmounts } from "@/shared/formatting/amounts";
import { decimalsOf, formatMoney, isFree } from "@/shared/formatting/money";
import { useFocusInvalid } from "@/shared/forms/use-focus-invalid";
import { parsePrice } from "@/shared/forms/parse-number";
import { paymentsText } from "@/shared/strings/payments";

import { MethodFields, MoneyActions, MoneyAmount, type MoneyValues } from "./money-fields";
import type { BookingAmounts } from "./payable";
import type { RefundSources } from "./refund-sources";
import { useMoneyCommand } from "./use-money-command";

const text = paymentsText.refund;

interface Props {
  booking: BookingAmounts;
  sources: RefundSources;
  /** Records it for what was paid; by default for the booking. */
  send?: (data: NewRefund, headers: { "Idempotency-Key": string }) => Promise<unknown>;
  onDone: () => void;
  onCancel: () => void;
}

/**
 * Gives money back: the box office what is owed, less, or after a confirmation more; or a provider what it received, which becomes
 * owed out of goodwill.
 */
export function RefundForm({ booking, sources, send, onDone, onCancel }: Props) {
  const { currency } = booking;
  const { element, focusInvalid } = useFocusInvalid();
  const money = (amount: string) => formatMoney(amount, currency);
  const methods = methodsOf(sources);
  const form = useForm<MoneyValues>({
    initialValues: {
      kind: methods[0] ?? "cash",
      amount: isFree(sources.byHand.owed) ? "" : sources.byHand.owed,
      reference: "",
      isAgreed: false,
    },
    validate: {
      amount: (typed, { kind }) => findProblem(typed, currency, limitsOf(sources, kind)),
      isAgreed: (isAgreed, { amount, kind }) =>
        goodwillIn(amount, currency, limitsOf(sources, kind)) !== null && !isAgreed ? text.agree : null,
    },
  });
  const { record, isFixed, ...command } = useMoneyCommand({
    what: "refund",
    booking,
    send: send ?? ((data: NewRefund, headers) => giveRefund(booking.id, data, headers)),
    onDone,
    onErrors: (errors) => {
      form.setErrors(errors);
      focusInvalid();
    },
  });
  const limits = limitsOf(sources, form.values.kind);
  const { value: amount } = parsePrice(form.values.amount, currency);
  const goodwill = goodwillIn(form.values.amount, currency, limits);
  const isByProvider = form.values.kind === "original";
  const submitLabel = isByProvider ? text.submitByProvider : text.submit;

  const submit = form.onSubmit(({ kind, reference }) => {
    if (amount === null) return;
    const said = isByProvider ? "" : reference.trim();
    record({ kind, amount, reference: said, ...(goodwill === null ? {} : { goodwill: true }) });
  }, focusInvalid);
  return (
    <form ref={element} onSubmit={submit} noValidate>
      <Stack gap="md">
        <MoneyAmount label={text.owed(booking.number)} amount={money(booking.refund_due_amount)} />
        {!isFree(sources.byProvider.owed) && <Text size="sm">{text.partByItself(money(sources.byProvider.owed))}</Text>}
        <TextInput
          label={paymentsText.amount}
          description={text.most(money(limits.most))}
          inputMode="decimal"
          autoComplete="off"
          maw={340}
          readOnly={isFixed}
          {...form.getInputProps("amount")}
          onChange={({ currentTarget }) => form.setValues({ amount: currentTarget.value, isAgreed: false })}
        />
        {goodwill !== null && (
          <Checkbox
            label={(isFree(limits.owed) ? text.nothingOwed : text.partOwed)(money(goodwill))}
            disabled={isFixed}
            aria-invalid={form.errors.isAgreed !== undefined}
            {...form.getInputProps("isAgreed", { type: "checkbox" })}
          />
        )}
        <MethodFields form={form} isFixed={isFixed} methods={methods} />
        {isByProvider && <Text size="sm">{text.providerHint}</Text>}
        <MoneyActions
          submit={amount === null ? text.submitNothing : submitLabel(money(amount))}
          cancel={text.cancel}
          onCancel={onCancel}
          {...command}
        />
      </Stack>
    </form>
  );
}

interface Limits {
  owed: string;
  most: string;
}

/** The box office's own methods first: what is owed by hand is paid by them. */
function methodsOf({ byHand, byProvider }: RefundSources): RefundMethod[] {
  return [
    ...(isFree(byHand.most) ? [] : Object.values(BoxOfficeMethod)),
    ...(isFree(byProvider.most) ? [] : [RefundMethod.original]),
  ];
}

function limitsOf({ byHand, byProvider }: RefundSources, kind: RefundMethod): Limits {
  return kind === "original" ? { owed: "0", most: byProvider.most } : byHand;
}

/** How much of the amount, as typed, is more than owed; null: nothing, or it can't be paid back. */
function goodwillIn(typed: string, currency: string, limits: Limits): string | null {
  const { value } = parsePrice(typed, currency);
  if (value === null || findProblem(typed, currency, limits) !== null || !isMore(value, limits.owed)) return null;
  return subtractAmounts(value, limits.owed);
}

function findProblem(typed: string, currency: string, { most }: Limits): string | null {
  const { checks } = paymentsText;
  const { value, problem } = parsePrice(typed, currency);
  if (problem === "ambiguous") return checks.ambiguous;
  if (problem === "other-currency") return checks.otherCurrency(currency);
  if (value === null || isFree(value)) return decimalsOf(currency) === 0 ? checks.wholeAmount : checks.amount;
  return isMore(value, most) ? checks.most(formatMoney(most, currency)) : null;
}
