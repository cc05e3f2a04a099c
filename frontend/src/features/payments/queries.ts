import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getBooking } from "@/shared/api/generated/bookings/bookings";
import { getEvents } from "@/shared/api/generated/events/events";
import type { PaymentState } from "@/shared/api/generated/model";
import { getPayments } from "@/shared/api/generated/payments/payments";
import { queryKey } from "@/shared/queries/query-key";

const PAGE_SIZE = 50;
const OPTIONS = 20;

export interface PaymentSearch {
  /** Null: of all events. */
  eventId: string | null;
  state: PaymentState | null;
}

/** What a search asks the API for. */
export function paymentParameters({ eventId, state }: PaymentSearch) {
  return { ...(eventId === null ? {} : { event_id: eventId }), ...(state === null ? {} : { state }) };
}

/** Payments, the newest first. */
export function paymentsQuery(search: PaymentSearch) {
  return infiniteQueryOptions({
    queryKey: queryKey("payments", "list", search),
    queryFn: ({ pageParam, signal }) => {
      const params = {
        limit: PAGE_SIZE,
        ...paymentParameters(search),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return getPayments(params, undefined, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** The booking that a payment is for. */
export function paidBookingQuery(bookingId: string) {
  return queryOptions({
    queryKey: queryKey("payments", "paid booking", bookingId),
    queryFn: ({ signal }) => getBooking(bookingId, undefined, undefined, signal),
  });
}

/** Events by name, to filter by one: of an organizer, or of all (null). */
export async function findEvents(organizerId: string | null, q: string, signal: AbortSignal) {
  const params = {
    status: "all" as const,
    limit: OPTIONS,
    ...(q === "" ? {} : { q }),
    ...(organizerId === null ? {} : { organizer_id: organizerId }),
  };
  const { items } = await getEvents(params, undefined, undefined, signal);
  return items.map(({ id, name }) => ({ id, name }));
}
