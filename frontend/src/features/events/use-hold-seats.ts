import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";

import { useHoldTickets } from "@/shared/api/generated/bookings/bookings";
import type { MadeHold } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { eventQuery } from "@/shared/queries/event-query";
import { useSession } from "@/shared/session/session";

import { toRefusal, useSlow, type BookingRefusal } from "./booking-refusal";
import { storeHeld } from "./checkout/held-seats";

interface Lines {
  lines: { category: string; quantity: number }[];
  /** What they cost, as shown; undefined: whatever they cost now, which the next page shows. */
  total?: string;
  /** A promo code. */
  code?: string;
  /** What was typed in already. */
  answers?: { name: string; email: string };
}

/** Holds seats once, however often it is sent, and opens the page that goes on. */
export function useHoldSeats(eventId: string) {
  const [problem, setProblem] = useState<BookingRefusal | null>(null);
  const [isDone, setIsDone] = useState(false);
  const navigate = useNavigate();
  const { account } = useSession();
  const queries = useQueryClient();
  const { keyFor, done } = useCommandKey(`hold ${eventId}`);
  const isLocked = useRef(false); // a second click may come before the next render
  const retry = (count: number, error: unknown) => count === 0 && isKind(error, "guest-secret-missing");
  const { mutate, isPending, error } = useHoldTickets({ mutation: { retry, retryDelay: 0 } });

  const hold = ({ lines, total, code, answers = { name: "", email: "" } }: Lines) => {
    if (isLocked.current || lines.length === 0) return;
    isLocked.current = true;
    setProblem(null);
    const withCode = code === undefined ? {} : { code };
    const data = { tickets: lines, ...(total === undefined ? {} : { expected_total: total }), ...withCode };
    mutate(
      { eventId, data, headers: { "Idempotency-Key": keyFor(data) } },
      {
        onSuccess: (held: MadeHold) => {
          done();
          setIsDone(true);
          // Of an account it is opened by the session.
          const owner = held.token == null ? { token: null, accountId: account?.id ?? "" } : { token: held.token };
          storeHeld(held.id, { eventId, ...owner, until: held.expires_at, ...answers, ...withCode });
          void navigate(`/events/${eventId}/checkout/${held.id}`);
        },
        onError: (error) => {
          isLocked.current = false;
          setProblem(toRefusal(error, total ?? ""));
          void queries.invalidateQueries({ queryKey: eventQuery(eventId).queryKey });
        },
      },
    );
  };
  return {
    hold,
    problem,
    forget: () => setProblem(null),
    isSending: isPending || isDone,
    isSlow: useSlow(isPending),
    /** Another selection now could be held in addition. */
    isChoiceFixed: isPending || isDone || isOutcomeUnknown(error),
  };
}
