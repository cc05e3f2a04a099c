import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getBooking, getBookings } from "@/shared/api/generated/bookings/bookings";
import { getEvent } from "@/shared/api/generated/events/events";
import type { Booking, Event } from "@/shared/api/generated/model";
import { learnFrom } from "@/shared/live/seat-store";

const PAGE_SIZE = 50;
/** Where and when an event is changes seldom; each of them is a request. */
const EVENT_FRESH_MILLISECONDS = 60_000;

export const bookingsQuery = infiniteQueryOptions({
  queryKey: ["/api/bookings"],
  queryFn: ({ pageParam, signal }) =>
    getBookings(
      { limit: PAGE_SIZE, ...(pageParam === null ? {} : { cursor: pageParam }) },
      undefined,
      undefined,
      signal,
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});

export function bookingQuery(id: string) {
  return queryOptions({
    queryKey: ["/api/bookings", id],
    queryFn: ({ signal }) => getBooking(id, undefined, undefined, signal),
  });
}

export function bookedEventQuery(id: string) {
  return queryOptions({
    queryKey: ["/api/events", id],
    queryFn: async ({ signal }) => learnFrom(await getEvent(id, undefined, undefined, signal), (event) => [event]),
    staleTime: EVENT_FRESH_MILLISECONDS,
  });
}

/** Whether a booking is still to come: not cancelled, and its event neither over nor off. */
export function isUpcoming(booking: Booking, event: Event | undefined, now: number): boolean {
  if (booking.status === "cancelled") return false;
  if (event === undefined) return true;
  return (
    event.status === "active" &&
    now < Date.parse(event.ends_at ?? event.starts_at) + (event.ends_at === null ? 4 * 3_600_000 : 0)
  );
}
