import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import type { NewPayment, NewRefund } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown, type ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { formatMoney } from "@/shared/formatting/money";
import { DRAFT } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";
import { paymentsText } from "@/shared/strings/payments";

import type { BookingAmounts } from "./payable";
import { invalidatePayments } from "./queries";

const text = paymentsText.problems;
const FIELDS = ["kind", "amount", "reference"];

interface Command<Data, Result> {
  what: "take" | "refund";
  booking: BookingAmounts;
  send: (data: Data, headers: { "Idempotency-Key": string }) => Promise<Result>;
  /** Called once all lists show it. */
  onDone: (result: Result) => void;
  /** What is wrong in which field. */
  onErrors: (errors: Record<string, string>) => void;
}

/**
 * Records a payment or a refund once, however often it is sent. `isFixed`: it may be recorded already, and another amount now could
 * be a second one. `due`: what is due instead, if the API says so.
 */
export function useMoneyCommand<Data extends NewPayment | NewRefund, Result>(command: Command<Data, Result>) {
  const { what, booking, send, onDone, onErrors } = command;
  const [problem, setProblem] = useState<string | null>(null);
  const [due, setDue] = useState<string | null>(null);
  const isLocked = useRef(false); // a second click may come before the next render
  const { keyFor, done } = useCommandKey(`${what} money ${booking.id}`);
  const queries = useQueryClient();
  const { mutate, isPending, isSuccess, error } = useMutation<Result, ApiError, Data>({
    ...DRAFT.mutation,
    mutationFn: (data) => send(data, { "Idempotency-Key": keyFor(data) }),
    // Unlike the callbacks of `mutate`, these are called after the page was left, too.
    onSuccess: async (_, { amount, kind }) => {
      done();
      const say = kind === "original" ? paymentsText.refund.doneByProvider : paymentsText[what].done;
      notifications.show({ message: say(formatMoney(amount, booking.currency), booking.number) });
      await invalidatePayments(queries, booking.event_id);
    },
    onError: () => void invalidatePayments(queries, booking.event_id), // it may be recorded, or the booking was changed
  });

  const record = (data: Data) => {
    if (isLocked.current) return;
    isLocked.current = true;
    setProblem(null);
    mutate(data, {
      onSuccess: onDone,
      onError: (error) => {
        isLocked.current = false;
        if (isKind(error, "amount-differs")) setDue(amountIn(error, "due_amount"));
        const errors = fieldErrors(error, booking.currency);
        setProblem(Object.keys(errors).length > 0 ? null : sentence(error, booking.currency));
        onErrors(errors);
      },
    });
  };
  return {
    record,
    isRecording: isPending || isSuccess,
    isFixed: isPending || isOutcomeUnknown(error),
    problem,
    due,
    isSignedOut: isKind(error, "not-signed-in"),
  };
}

/** An amount that a problem states. */
export function amountIn({ problem }: ApiError, name: "due_amount" | "refundable_amount"): string {
  const amount = problem[name];
  return typeof amount === "string" ? amount : "0";
}

/** The errors that stand at a field. */
function fieldErrors(error: ApiError, currency: string): Record<string, string> {
  if (isKind(error, "refund-exceeds"))
    return { amount: paymentsText.checks.most(formatMoney(amountIn(error, "refundable_amount"), currency)) };
  return Object.fromEntries(Object.entries(error.fieldErrors).filter(([path]) => FIELDS.includes(path)));
}

function sentence(error: ApiError, currency: string): string {
  if (isKind(error, "already-paid")) return text.alreadyPaid;
  if (isKind(error, "amount-differs")) return text.amountDiffers(formatMoney(amountIn(error, "due_amount"), currency));
  if (isKind(error, "refund-limit")) return error.message;
  if (isKind(error, "payment-elsewhere")) return text.elsewhere;
  if (isKind(error, "not-signed-in")) return appText.signedOut.text;
  return isOutcomeUnknown(error) ? text.unknown : text.other;
}
