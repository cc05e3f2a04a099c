import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getBooking, getBookings } from "@/shared/api/generated/bookings/bookings";
import type { BookingTime } from "@/shared/api/generated/model";
import { whileRefundDue } from "@/shared/queries/ask-again";
import { eventQuery } from "@/shared/queries/event-query";
import { queryKey } from "@/shared/queries/query-key";

const PAGE_SIZE = { upcoming: 200, past: 50 };
/** Upcoming pages loaded automatically, 600 bookings: the next event may be the one that was booked first. */
export const UPCOMING_PAGES = 3;
/** Date and venue of an event rarely change, and each event is a request. */
const EVENT_FRESH_MILLISECONDS = 60_000;

/** Lists of the account's bookings, newest first. */
export const BOOKING_LISTS = queryKey("bookings", "list");

/** Upcoming or past bookings, as the server classifies them. */
export function bookingsQuery(when: BookingTime) {
  return infiniteQueryOptions({
    queryKey: queryKey("bookings", "list", when),
    queryFn: ({ pageParam, signal }) => {
      const parameters = { when, limit: PAGE_SIZE[when], ...(pageParam === null ? {} : { cursor: pageParam }) };
      return getBookings(parameters, undefined, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function bookingQuery(id: string) {
  return queryOptions({
    queryKey: queryKey("bookings", "detail", id),
    queryFn: ({ signal }) => getBooking(id, undefined, undefined, signal),
    refetchInterval: (query) => whileRefundDue(query.state.data, query),
  });
}

export function bookedEventQuery(id: string) {
  return queryOptions({ ...eventQuery(id), staleTime: EVENT_FRESH_MILLISECONDS });
}
