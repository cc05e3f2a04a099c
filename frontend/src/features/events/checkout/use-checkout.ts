import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { AxiosRequestConfig } from "axios";
import { useState } from "react";

import { getHold, useExtendHold, useReleaseHold } from "@/shared/api/generated/bookings/bookings";
import type { Hold } from "@/shared/api/generated/model";
import { positionOf } from "@/shared/api/http";
import { rememberPosition } from "@/shared/api/ledger-position";
import { isKind, isOutcomeUnknown } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { formatLocalTime } from "@/shared/formatting/date-times";
import { queryKey } from "@/shared/queries/query-key";
import { useSession } from "@/shared/session/session";

import { forgetHeld, recallHeld, updateHeld } from "./held-seats";
import { checkoutText } from "./strings";

/** Of a hold that this browser made, the token opens it; of an account's, the session. */
export function asBearer(token: string | null): AxiosRequestConfig {
  return token === null ? {} : { headers: { Authorization: `Bearer ${token}` } };
}

function holdQuery(holdId: string, token: string | null, hasAccount: boolean) {
  return queryOptions({
    queryKey: queryKey("holds", holdId),
    queryFn: async ({ signal }) => {
      const hold = await readHold(holdId, token, hasAccount, signal);
      // Whoever sees here that it is booked finds the booking, too.
      if (hold.status === "confirmed") rememberPosition(String(positionOf(hold)));
      return hold;
    },
    refetchOnWindowFocus: true, // another tab may have ended it
    staleTime: 5_000,
  });
}

async function readHold(holdId: string, token: string | null, hasAccount: boolean, signal: AbortSignal): Promise<Hold> {
  try {
    return await getHold(holdId, undefined, asBearer(token), signal);
  } catch (error) {
    // An account may have claimed the contact whose hold it was.
    if (token === null || !hasAccount || !isKind(error, "link-superseded")) throw error;
    return getHold(holdId, undefined, undefined, signal);
  }
}

/** A hold, and what can be done with it. */
export function useCheckout(holdId: string) {
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
    giveBack: useGiveBack(holdId, token),
    cancellation: useCancellation(holdId, token),
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
function useGiveBack(holdId: string, token: string | null) {
  const queries = useQueryClient();
  const { mutate } = useReleaseHold({ request: asBearer(token) });
  return (eventId: string) => {
    mutate(
      { holdId },
      { onSettled: () => void queries.invalidateQueries({ queryKey: queryKey("events", "detail", eventId) }) },
    );
    forgetHeld(holdId);
    queries.removeQueries({ queryKey: queryKey("holds", holdId) });
  };
}

/** Gives the seats back while a payment may be under way. The order is kept: its page says what happens with the money. */
function useCancellation(holdId: string, token: string | null) {
  const queries = useQueryClient();
  const { mutate, isPending, error } = useReleaseHold({ request: asBearer(token) });
  const cancel = (onDone: () => void) =>
    mutate(
      { holdId },
      {
        onSuccess: () => {
          updateHeld(holdId, { isOver: true });
          onDone();
        },
        onSettled: () => void queries.invalidateQueries({ queryKey: queryKey("holds", holdId) }),
      },
    );
  return { cancel, isSending: isPending, hasFailed: error !== null };
}
