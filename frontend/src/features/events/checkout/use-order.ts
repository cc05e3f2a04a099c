import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { confirmHold, payHold } from "@/shared/api/generated/bookings/bookings";
import type { Hold, HoldConfirmation, MadeBooking, OnlineMethod, StartedPayment } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown, type ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { checkoutPath } from "@/shared/navigation/checkout-path";
import { useOpenUrl } from "@/shared/navigation/use-open-url";
import { eventQuery } from "@/shared/queries/event-query";
import { queryKey } from "@/shared/queries/query-key";
import { useSession } from "@/shared/session/session";

import { toRefusal, useSlow, type BookingRefusal } from "../booking-refusal";
import type { Guest } from "../use-booking";
import { useOpenBooked } from "../use-open-booked";
import { forgetHeld, recallHeld, updateHeld } from "./held-seats";
import { asBearer } from "./use-checkout";

interface Order {
  /** Who orders without an account; null: the account that is signed in, or whose hold it is already. */
  guest: Guest | null;
  /** The session orders, otherwise the token of the hold. */
  isAccounts: boolean;
  /** It is paid by this method before it is booked; null: booked at once. */
  method: OnlineMethod | null;
  /** Called with a refusal. Whether the form says it at its fields. */
  isToldElsewhere?: (refusal: BookingRefusal) => boolean;
}

interface Sent extends Omit<Order, "isToldElsewhere"> {
  data: HoldConfirmation;
  key: string;
}

type Result = { booking: MadeBooking } | { payment: StartedPayment };

/**
 * Books the held seats once, however often it is sent, and opens the page of the booking; or starts their payment, and opens the page
 * of the provider.
 */
export function useOrder(hold: Hold) {
  const [problem, setProblem] = useState<BookingRefusal | null>(null);
  const { account } = useSession();
  const token = recallHeld(hold.id)?.token ?? null;
  const { keyFor, done } = useCommandKey(`order ${hold.id}`);
  const queries = useQueryClient();
  const openBooked = useOpenBooked(hold.event_id);
  const openUrl = useOpenUrl();
  const isLocked = useRef(false);
  const [isDone, setIsDone] = useState(false);
  const { mutate, isPending, error } = useMutation<Result, ApiError, Sent>({
    mutationFn: async ({ data, method, key, isAccounts }) => {
      const [headers, options] = [{ "Idempotency-Key": key }, asBearer(isAccounts ? null : token)];
      return method === null
        ? { booking: await confirmHold(hold.id, data, headers, options) }
        : { payment: await payHold(hold.id, { ...data, method }, headers, options) };
    },
  });

  const finish = (result: Result, { guest, isAccounts }: Sent) => {
    done();
    if ("booking" in result) {
      setIsDone(true);
      forgetHeld(hold.id);
      openBooked(result.booking, isAccounts ? null : { email: guest?.contact.email ?? null, token });
      return;
    }
    const owner = isAccounts && account !== null ? { token: null, accountId: account.id } : {};
    updateHeld(hold.id, { ...owner, until: result.payment.payable_until, isPaying: true });
    void queries.invalidateQueries({ queryKey: queryKey("holds", hold.id), refetchType: "none" });
    if (result.payment.card_form != null) {
      queries.setQueryData(startedPaymentKey(hold.id), result.payment);
      isLocked.current = false;
    } else {
      setIsDone(true);
    }
    openUrl(result.payment.redirect_url ?? checkoutPath(hold.id));
  };

  const order = ({ guest, isAccounts, method, isToldElsewhere = () => false }: Order) => {
    if (isLocked.current) return;
    isLocked.current = true;
    setProblem(null);
    const data: HoldConfirmation = {
      expected_total: hold.total_amount,
      ...(guest === null ? {} : { contact: guest.contact, ...(guest.proof === null ? {} : { proof: guest.proof }) }),
      ...(isAccounts && token !== null ? { token } : {}),
    };
    const key = keyFor([data.contact ?? null, isAccounts, method]);
    updateHeld(hold.id, { isAccounts });
    mutate(
      { guest, isAccounts, method, data, key },
      {
        onSuccess: finish,
        onError: (error) => {
          isLocked.current = false;
          if (!isPerhapsDone(error)) done();
          const refusal = toRefusal(error, hold.total_amount);
          if (!isToldElsewhere(refusal)) setProblem(refusal);
          if (isKind(error, "hold-closed", "hold-gone", "hold-not-found")) {
            void queries.invalidateQueries({ queryKey: queryKey("holds", hold.id) });
          }
          if (isKind(error, "payment-required", "payment-method-off")) {
            void queries.invalidateQueries({ queryKey: eventQuery(hold.event_id).queryKey });
          }
        },
      },
    );
  };
  return {
    order,
    problem,
    isSending: isPending || isDone,
    isSlow: useSlow(isPending),
    /** Other answers now could not be told from the first ones. */
    isFixed: isPending || isDone || isPerhapsDone(error),
  };
}

/** The payment that this page has started for a hold, with what its provider's form takes: it is kept in memory alone. */
export function startedPaymentKey(holdId: string) {
  return queryKey("holds", holdId, "started-payment");
}

/** Whether a refused order may have been accepted: a payment was started, though its provider did not respond. */
function isPerhapsDone(error: unknown): boolean {
  return isOutcomeUnknown(error) || isKind(error, "provider-unavailable");
}
