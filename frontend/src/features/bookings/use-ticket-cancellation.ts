import { useMutation, useQueryClient } from "@tanstack/react-query";

import { cancelBooking, cancelTickets } from "@/shared/api/generated/bookings/bookings";
import type { Booking } from "@/shared/api/generated/model";
import { ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { queryKey } from "@/shared/queries/query-key";

import { bookingQuery, BOOKING_LISTS } from "./queries";

/** How tickets of a booking are cancelled: by its account, or by its manage link. */
export interface Canceller {
  cancel: (tickets: string[], headers: { "Idempotency-Key": string }) => Promise<Booking>;
  /** Updates what is cached of the booking. */
  onCancelled: (changed: Booking) => void;
  onRefused: () => void;
}

/** Cancels tickets; `problem` is the kind of the refusal. */
export function useTicketCancellation(booking: Booking, canceller: Canceller, onDone: () => void) {
  const queries = useQueryClient();
  const { keyFor, done } = useCommandKey(`cancel ${booking.id}`);

  const { mutate, isPending, error } = useMutation({
    mutationFn: (tickets: string[]) => canceller.cancel(tickets, { "Idempotency-Key": keyFor(tickets) }),
    onSuccess: (changed) => {
      done();
      canceller.onCancelled(changed);
      void queries.invalidateQueries({ queryKey: queryKey("events") });
      onDone();
    },
    onError: canceller.onRefused,
  });
  return { cancel: mutate, isSending: isPending, problem: error instanceof ApiError ? error.kind : null };
}

/** Cancels tickets of a booking of the account that is signed in. */
export function useOwnCanceller(booking: Booking): Canceller {
  const queries = useQueryClient();
  const { queryKey } = bookingQuery(booking.id);
  const active = booking.tickets.filter(({ status }) => status === "active");
  const isUsed = booking.tickets.some(({ status }) => status === "used"); // a booking with a used ticket can't be cancelled as a whole
  return {
    cancel: (tickets, headers) =>
      tickets.length === active.length && !isUsed
        ? cancelBooking(booking.id, headers)
        : cancelTickets(booking.id, { tickets }, headers),
    onCancelled: (changed) => {
      queries.setQueryData(queryKey, changed);
      void queries.invalidateQueries({ queryKey: BOOKING_LISTS });
    },
    onRefused: () => void queries.invalidateQueries({ queryKey }),
  };
}
