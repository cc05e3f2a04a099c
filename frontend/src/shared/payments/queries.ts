import { queryOptions, type QueryClient } from "@tanstack/react-query";

import { getBookingPayments, getPostings } from "@/shared/api/generated/payments/payments";
import { queryKey } from "@/shared/queries/query-key";

/** The movements of the money of a booking. */
export function bookingPaymentsQuery(bookingId: string) {
  return queryOptions({
    queryKey: queryKey("payments", "booking", bookingId),
    queryFn: ({ signal }) => getBookingPayments(bookingId, undefined, undefined, signal),
  });
}

/** The balances of an event, or of all events that one may see: `eventId` null. */
export function postingsQuery(eventId: string | null) {
  return queryOptions({
    queryKey: queryKey("payments", "postings", eventId),
    queryFn: ({ signal }) =>
      getPostings(eventId === null ? undefined : { event_id: eventId }, undefined, undefined, signal),
  });
}

/** Reads again what shows the money of a booking, after a payment or a refund. */
export function invalidatePayments(queries: QueryClient, eventId: string): Promise<unknown> {
  return Promise.all([
    queries.invalidateQueries({ queryKey: queryKey("payments") }),
    queries.invalidateQueries({ queryKey: queryKey("bookings") }),
    queries.invalidateQueries({ queryKey: queryKey("event-sales", eventId) }),
  ]);
}
