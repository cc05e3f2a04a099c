import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { useBookTickets } from "@/shared/api/generated/bookings/bookings";
import type { Event, Problem } from "@/shared/api/generated/model";
import { ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";

import { eventQuery } from "./queries";

const SLOW_MILLISECONDS = 2_500;

/** What went wrong: `kind` is the problem's. */
export interface Refusal {
  kind: string;
  problem: Problem | null;
}

/** Books, once for each choice however often it is sent, and leads to the tickets. */
export function useBooking(event: Event) {
  const [problem, setProblem] = useState<Refusal | null>(null);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { keyFor, done } = useCommandKey(`book ${event.id}`);
  const inFlight = useRef(false); // a second click comes before the button is drawn as busy
  const { mutate, isPending } = useBookTickets();
  const isSlow = useSlow(isPending);

  const book = (chosen: readonly { category: string; quantity: number }[]) => {
    if (inFlight.current || chosen.length === 0) return;
    inFlight.current = true;
    setProblem(null);
    const lines = chosen.map(({ category, quantity }) => ({ category, quantity }));
    mutate(
      { eventId: event.id, data: { tickets: lines }, headers: { "Idempotency-Key": keyFor(lines) } },
      {
        onSuccess: (booking) => {
          done();
          queries.setQueryData(["/api/bookings", booking.id], booking);
          void queries.invalidateQueries({ queryKey: ["/api/bookings"], refetchType: "none" });
          void queries.invalidateQueries({ queryKey: ["/api/events"], refetchType: "none" });
          void navigate(`/bookings/${booking.id}`, { state: { isNew: true } });
        },
        onError: (error) => {
          setProblem({
            kind: error instanceof ApiError ? error.kind : "",
            problem: error instanceof ApiError ? error.problem : null,
          });
          void queries.invalidateQueries({ queryKey: eventQuery(event.id).queryKey });
        },
        onSettled: () => (inFlight.current = false),
      },
    );
  };
  return { book, problem, forget: () => setProblem(null), isSending: isPending, isSlow };
}

function useSlow(isPending: boolean): boolean {
  const [isSlow, setIsSlow] = useState(false);
  useEffect(() => {
    if (!isPending) return;
    const timer = setTimeout(() => setIsSlow(true), SLOW_MILLISECONDS);
    return () => {
      clearTimeout(timer);
      setIsSlow(false);
    };
  }, [isPending]);
  return isSlow;
}
