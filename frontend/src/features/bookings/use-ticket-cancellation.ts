import { useMutation, useQueryClient } from "@tanstack/react-query";

import { cancelBooking, cancelTickets } from "@/shared/api/generated/bookings/bookings";
import type { Booking } from "@/shared/api/generated/model";
import { ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { queryKey } from "@/shared/queries/query-key";

import { bookingQuery, BOOKING_LISTS } from "./queries";

/** Cancels tickets and updates what is cached; `problem` is the kind of the refusal. */
export function useTicketCancellation(booking: Booking, onDone: () => void) {
  const queries = useQueryClient();
  const { keyFor, done } = useCommandKey(`cancel ${booking.id}`);
  const active = booking.tickets.filter(({ status }) => status === "active");
  const isUsed = booking.tickets.some(({ status }) => status === "used"); // a booking with a used ticket can't be cancelled as a whole

  const { mutate, isPending, error } = useMutation({
    mutationFn: (tickets: string[]) => {
      const headers = { "Idempotency-Key": keyFor(tickets) };
      return tickets.length === active.length && !isUsed
        ? cancelBooking(booking.id, headers)
        : cancelTickets(booking.id, { tickets }, headers);
    },
    onSuccess: (changed) => {
      done();
      queries.setQueryData(bookingQuery(booking.id).queryKey, changed);
      void queries.invalidateQueries({ queryKey: BOOKING_LISTS });
      void queries.invalidateQueries({ queryKey: queryKey("events") });
      onDone();
    },
    onError: () => void queries.invalidateQueries({ queryKey: bookingQuery(booking.id).queryKey }),
  });
  return { cancel: mutate, isSending: isPending, problem: error instanceof ApiError ? error.kind : null };
}
