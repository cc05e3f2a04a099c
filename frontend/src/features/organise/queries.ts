import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";

import { getEvent, getEventBookings, getEvents } from "@/shared/api/generated/events/events";
import type { BookingStatus, EventFilter } from "@/shared/api/generated/model";
import { getStatsSales } from "@/shared/api/generated/stats/stats";
import { learnFrom } from "@/shared/live/seat-store";

const PAGE_SIZE = 50;
/** None of `/api/events`, as what is sold: it tells whose events somebody looked at, and is forgotten when they sign out. */
const ORGANISED = "organised";

/** The events of one organizer, or of everybody: `organizerId` null. */
export function organisedQuery(search: { q: string; status: EventFilter; organizerId: string | null }) {
  return infiniteQueryOptions({
    queryKey: [ORGANISED, search],
    queryFn: async ({ pageParam, signal }) => {
      const params = {
        limit: PAGE_SIZE,
        status: search.status,
        ...(search.q === "" ? {} : { q: search.q }),
        ...(search.organizerId === null ? {} : { organizer_id: search.organizerId }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return learnFrom(await getEvents(params, undefined, undefined, signal), ({ items }) => items);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function eventQuery(id: string) {
  return queryOptions({
    queryKey: ["/api/events", id],
    queryFn: async ({ signal }) => learnFrom(await getEvent(id, undefined, undefined, signal), (event) => [event]),
  });
}

/** Who booked what. */
export function soldQuery(eventId: string, search: { q: string; status: BookingStatus | null }) {
  return infiniteQueryOptions({
    queryKey: ["sold", eventId, search],
    queryFn: ({ pageParam, signal }) => {
      const params = {
        limit: PAGE_SIZE,
        ...(search.q === "" ? {} : { q: search.q }),
        ...(search.status === null ? {} : { status: search.status }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return getEventBookings(eventId, params, undefined, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** What the event has brought so far, in one sum a month. */
export function takingsQuery(eventId: string) {
  return queryOptions({
    queryKey: ["sold", eventId, "takings"],
    queryFn: ({ signal }) => getStatsSales({ event_id: eventId, interval: "month" }, undefined, undefined, signal),
  });
}

/** After a command about an event: whatever was asked about it is asked again. */
export function refresh(queries: QueryClient, eventId: string): Promise<unknown> {
  return Promise.all([
    queries.invalidateQueries({ queryKey: ["/api/events"] }),
    queries.invalidateQueries({ queryKey: [ORGANISED] }),
    queries.invalidateQueries({ queryKey: ["sold", eventId] }),
    queries.invalidateQueries({ queryKey: ["statistics"], refetchType: "none" }),
  ]);
}
