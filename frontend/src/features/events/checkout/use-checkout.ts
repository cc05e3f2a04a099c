import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { AxiosRequestConfig } from "axios";
import { useRef, useState } from "react";

import { getHold, useConfirmHold, useExtendHold, useReleaseHold } from "@/shared/api/generated/bookings/bookings";
import type { Hold, HoldConfirmation } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { formatLocalTime } from "@/shared/formatting/date-times";
import { queryKey } from "@/shared/queries/query-key";
import { useSession } from "@/shared/session/session";

import { toRefusal, useSlow, type BookingRefusal } from "../booking-refusal";
import type { Guest } from "../use-booking";
import { useOpenBooked } from "../use-open-booked";
import { forgetHeld, recallHeld, updateHeld } from "./held-seats";
import { checkoutText } from "./strings";

/** Of a hold that this browser made, the token opens it; of an account's, the session. */
function asBearer(token: string | null): AxiosRequestConfig {
  return token === null ? {} : { headers: { Authorization: `Bearer ${token}` } };
}

function holdQuery(holdId: string, token: string | null, hasAccount: boolean) {
  return queryOptions({
    queryKey: queryKey("holds", holdId),
    queryFn: async ({ signal }) => {
      try {
        return await getHold(holdId, undefined, asBearer(token), signal);
      } catch (error) {
        // An account may have claimed the contact whose hold it was.
        if (token === null || !hasAccount || !isKind(error, "link-superseded")) throw error;
        return getHold(holdId, undefined, undefined, signal);
      }
    },
    refetchOnWindowFocus: true, // another tab may have ended it
    staleTime: 5_000,
  });
}

/** A hold, and what can be done with it. */
export function useCheckout(holdId: string, eventId: string) {
  const held = recallHeld(holdId);
  const { account, isKnown } = useSession();
  const token = held?.token ?? null;
  const isMine = token !== null || account !== null;
  const query = useQuery({ ...holdQuery(holdId, token, account !== null), enabled: isMine });
  const queries = useQueryClient();
  const set = (hold: Hold) => {
    queries.setQueryData(queryKey("holds", holdId), hold);
    updateHeld(holdId, { until: hold.expires_at });
  };
  return {
    ...query,
    /** Nobody is signed in, and this browser did not make it. */
    isNobodys: isKnown && !isMine,
    held,
    extension: useExtension(holdId, token, set),
    giveBack: useGiveBack(holdId, token, eventId),
  };
}

function useExtension(holdId: string, token: string | null, set: (hold: Hold) => void) {
  const [message, setMessage] = useState<string | null>(null);
  const [isPossible, setIsPossible] = useState(true);
  const { keyFor, done } = useCommandKey(`extend ${holdId}`);
  const { mutate, isPending } = useExtendHold({ request: asBearer(token) });
  const extend = () => {
    setMessage(null);
    mutate(
      { holdId, headers: { "Idempotency-Key": keyFor(null) } },
      {
        onSuccess: (hold) => {
          done();
          set(hold);
          setMessage(checkoutText.held.extended(formatLocalTime(hold.expires_at)));
        },
        onError: (error) => {
          if (!isOutcomeUnknown(error)) done();
          if (isKind(error, "extension-limit")) setIsPossible(false);
          setMessage(isKind(error, "extension-limit") ? checkoutText.held.noMoreTime : checkoutText.unreachable);
        },
      },
    );
  };
  return { extend, isSending: isPending, message, isPossible };
}

/** Gives the seats back. Whether or not the server hears it, the page goes on: the hold ends by itself. */
function useGiveBack(holdId: string, token: string | null, eventId: string) {
  const queries = useQueryClient();
  const { mutate } = useReleaseHold({ request: asBearer(token) });
  return () => {
    mutate(
      { holdId },
      { onSettled: () => void queries.invalidateQueries({ queryKey: queryKey("events", "detail", eventId) }) },
    );
    forgetHeld(holdId);
    queries.removeQueries({ queryKey: queryKey("holds", holdId) });
  };
}

interface Confirmation {
  /** Null: the account that is signed in. */
  guest: Guest | null;
  /** Called with a refusal. Whether the form says it at its fields. */
  isToldElsewhere?: (refusal: BookingRefusal) => boolean;
}

/** Books the held seats once, however often it is sent, and opens the page of the booking. */
export function useConfirmation(hold: Hold) {
  const [problem, setProblem] = useState<BookingRefusal | null>(null);
  const token = recallHeld(hold.id)?.token ?? null;
  const { keyFor, done } = useCommandKey(`confirm ${hold.id}`);
  const queries = useQueryClient();
  const openBooked = useOpenBooked(hold.event_id);
  const isLocked = useRef(false);
  const [isDone, setIsDone] = useState(false);
  const asGuest = useConfirmHold({ request: asBearer(token) });
  const asAccount = useConfirmHold();
  const isPending = asGuest.isPending || asAccount.isPending;

  const confirm = ({ guest, isToldElsewhere = () => false }: Confirmation) => {
    if (isLocked.current) return;
    isLocked.current = true;
    setProblem(null);
    const data: HoldConfirmation = {
      expected_total: hold.total_amount,
      ...(guest === null ? {} : { contact: guest.contact, ...(guest.proof === null ? {} : { proof: guest.proof }) }),
      ...(guest === null && token !== null ? { token } : {}),
    };
    updateHeld(hold.id, { isAccounts: guest === null });
    (guest === null ? asAccount : asGuest).mutate(
      { holdId: hold.id, data, headers: { "Idempotency-Key": keyFor([data.contact ?? null, guest === null]) } },
      {
        onSuccess: (booking) => {
          done();
          setIsDone(true);
          forgetHeld(hold.id);
          openBooked(booking, guest?.contact.email ?? null);
        },
        onError: (error) => {
          isLocked.current = false;
          if (!isOutcomeUnknown(error)) done();
          const refusal = toRefusal(error, hold.total_amount);
          if (!isToldElsewhere(refusal)) setProblem(refusal);
          if (isKind(error, "hold-closed", "hold-gone", "hold-not-found")) {
            void queries.invalidateQueries({ queryKey: queryKey("holds", hold.id) });
          }
        },
      },
    );
  };
  return {
    confirm,
    problem,
    isSending: isPending || isDone,
    isSlow: useSlow(isPending),
    /** Other answers now could not be told from the first ones. */
    isFixed: isPending || isDone || isOutcomeUnknown(asGuest.error) || isOutcomeUnknown(asAccount.error),
  };
}
