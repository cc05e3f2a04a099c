import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { useBookTickets } from "@/shared/api/generated/bookings/bookings";
import type { Booking, Event, NewBooking, Problem } from "@/shared/api/generated/model";
import { ApiError, isOutcomeUnknown } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { sumLines } from "@/shared/formatting/money";
import { eventQuery } from "@/shared/queries/event-query";
import { queryKey } from "@/shared/queries/query-key";

const SLOW_MILLISECONDS = 2_500;

/** A refused booking: `kind` is the kind of the problem. */
export interface BookingRefusal {
  kind: string;
  problem: Problem | null;
}

/**
 * Books a selection once, however often it is sent, and opens the page of the booking. From the first click until that page shows,
 * nothing else can be booked: its script may load more slowly than the booking is made.
 */
export function useBooking(event: Event) {
  const [problem, setProblem] = useState<BookingRefusal | null>(null);
  const [booked, setBooked] = useState<Booking | null>(null);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { keyFor, done } = useCommandKey(`book ${event.id}`);
  const isLocked = useRef(false); // a second click may come before the next render
  const lastSent = useRef<NewBooking | null>(null);
  const { mutate, isPending, error } = useBookTickets();
  const isSlow = useSlow(isPending);

  /** `total`: what the customer has confirmed; by default what the lines cost as shown. */
  const book = (chosen: readonly { category: string; quantity: number; price: string }[], total = sumLines(chosen)) => {
    if (isLocked.current || chosen.length === 0) return;
    isLocked.current = true;
    setProblem(null);
    const lines = chosen.map(({ category, quantity }) => ({ category, quantity }));
    // After an unknown outcome the same request is sent again: with a new price it would be another one.
    const data =
      isOutcomeUnknown(error) && lastSent.current ? lastSent.current : { tickets: lines, expected_total: total };
    lastSent.current = data;
    mutate(
      { eventId: event.id, data, headers: { "Idempotency-Key": keyFor(lines) } },
      {
        onSuccess: (booking) => {
          done();
          setBooked(booking);
          queries.setQueryData(queryKey("bookings", "detail", booking.id), booking);
          void queries.invalidateQueries({ queryKey: queryKey("bookings"), refetchType: "none" });
          void queries.invalidateQueries({ queryKey: queryKey("events"), refetchType: "none" });
          void navigate(`/events/${event.id}`, { replace: true }); // going back leads to an empty form
          void navigate(`/bookings/${booking.id}`, { state: { isNew: true } });
        },
        onError: (error) => {
          isLocked.current = false;
          setProblem({
            kind: error instanceof ApiError ? error.kind : "",
            problem: error instanceof ApiError ? error.problem : null,
          });
          void queries.invalidateQueries({ queryKey: eventQuery(event.id).queryKey });
        },
      },
    );
  };
  return {
    book,
    problem,
    forget: () => setProblem(null),
    /** The completed booking, until its page is shown. */
    booked,
    isSending: isPending,
    isSlow,
    /** A different selection now could be booked in addition. */
    isChoiceFixed: isPending || isOutcomeUnknown(error) || booked !== null,
  };
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
