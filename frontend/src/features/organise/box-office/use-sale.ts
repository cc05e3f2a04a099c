import { notifications } from "@mantine/notifications";
import { useIsMutating, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { useBookTickets } from "@/shared/api/generated/bookings/bookings";
import type { Booking, Event, NewBooking } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown, type ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { formatMoney } from "@/shared/formatting/money";
import { describeCodeProblem } from "@/shared/orders/code-problem";
import { DRAFT } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";

import { invalidateEvent } from "../queries";
import { boxOfficeText } from "./strings";

const text = boxOfficeText.problems;

export interface Sale {
  booking: Booking;
  /** As they were typed; null for a walk-in. */
  customer: { name: string; email: string } | null;
}

/**
 * Sells at the box office; each sale executes once, however often it is sent. `sold` is the last sale. A pending sale continues
 * after its page is left: until its outcome is known no other sale can be made, and a notification shows the outcome.
 */
export function useSale(event: Event, setErrors: (errors: Record<string, string>) => void) {
  const eventId = event.id;
  const [sold, setSold] = useState<Sale | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  /** What is wrong with the promo code. */
  const [codeProblem, setCodeProblem] = useState<string | null>(null);
  const isLocked = useRef(false); // a second click may come before the next render
  const lastSent = useRef<NewBooking | null>(null);
  const { keyFor, done } = useCommandKey(`sell ${eventId}`);
  const queries = useQueryClient();
  const mutationKey = ["sell", eventId];
  const isRunning = useIsMutating({ mutationKey }) > 0;
  const isMounted = useIsMounted();
  const { mutate, error } = useBookTickets({
    mutation: {
      ...DRAFT.mutation,
      mutationKey,
      // Unlike the callbacks of `mutate`, these are called after the page was left, too.
      onSuccess: (booking, { data }) => {
        done();
        if (!isMounted.current) notifySold(booking, data.customer?.name);
      },
      onError: (error) => {
        if (!isMounted.current) notifyFailed(error);
      },
      onSettled: () => void invalidateEvent(queries, eventId),
    },
  });

  const sell = (wanted: NewBooking) => {
    if (isLocked.current || queries.isMutating({ mutationKey }) > 0) return;
    isLocked.current = true;
    setProblem(null);
    setCodeProblem(null);
    // After an unknown outcome the same request is sent again: with a new price it would be another one.
    const data = isOutcomeUnknown(error) && lastSent.current ? lastSent.current : wanted;
    lastSent.current = data;
    const { tickets, customer, code } = data;
    mutate(
      { eventId, data, headers: { "Idempotency-Key": keyFor({ tickets, customer, code }) } },
      {
        onSuccess: (booking) => {
          setSold({ booking, customer: data.customer ?? null });
        },
        onError: (error) => {
          isLocked.current = false;
          const context = { timeZone: event.timezone, now: Date.now(), hasCode: data.code != null };
          const wrongCode = describeCodeProblem(error, context);
          setCodeProblem(wrongCode);
          if (wrongCode !== null) return;
          const { customer, other } = split(error);
          setErrors(customer);
          if (Object.keys(customer).length === 0) setProblem(other);
        },
      },
    );
  };
  const next = () => {
    isLocked.current = false;
    setSold(null);
  };
  /** `isFixed`: a different sale now could duplicate this one. */
  return {
    sell,
    sold,
    next,
    problem,
    codeProblem,
    forgetCodeProblem: () => setCodeProblem(null),
    isSelling: isRunning,
    isFixed: isRunning || isOutcomeUnknown(error),
    isSignedOut: isKind(error, "not-signed-in"),
  };
}

/** Whether the component is still mounted. */
function useIsMounted() {
  const isHere = useRef(false);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  return isHere;
}

function notifySold({ tickets, total_amount, currency, number }: Booking, customer = boxOfficeText.someWalkIn): void {
  const message = boxOfficeText.whenLeft.sold(customer, formatMoney(total_amount, currency), number);
  notifications.show({ title: boxOfficeText.sold(tickets.length), message, autoClose: false });
}

function notifyFailed(error: ApiError): void {
  notifications.show({
    title: boxOfficeText.whenLeft.failed,
    message: sentence(error),
    color: "red",
    autoClose: false,
  });
}

/** The errors of the two customer fields, and the message for anything else. */
function split(error: ApiError): { customer: Record<string, string>; other: string } {
  const fields = Object.entries(error.fieldErrors).filter(([path]) => path.startsWith("customer."));
  const customer = Object.fromEntries(fields.map(([path, message]) => [path.slice("customer.".length), message]));
  return { customer, other: sentence(error) };
}

function sentence(error: ApiError): string {
  const { available = 0, limit = 0, held = 0 } = error.problem;
  if (isKind(error, "sold-out")) return text.soldOut(available);
  if (isKind(error, "price-changed")) return text.priceChanged(error.problem.total_amount ?? "");
  if (isKind(error, "customer-limit")) return text.limit(limit, held);
  if (isKind(error, "booking-too-large")) return text.tooLarge(limit);
  if (isKind(error, "event-not-bookable", "not-on-sale")) return text.past;
  if (isKind(error, "not-signed-in")) return appText.signedOut.text;
  return isOutcomeUnknown(error) ? text.unknown : text.other;
}
