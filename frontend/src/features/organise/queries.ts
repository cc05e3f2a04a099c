import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";

import { getCodes, getEvent, getEventBookings, getEvents } from "@/shared/api/generated/events/events";
import type { BookingStatus, Event, EventFilter, PaidOrNot } from "@/shared/api/generated/model";
import { getMessages } from "@/shared/api/generated/notifications/notifications";
import { getStatsSales } from "@/shared/api/generated/stats/stats";
import { ApiError } from "@/shared/api/problem";
import { storeSeatsFrom } from "@/shared/live/seat-store";
import { queryKey } from "@/shared/queries/query-key";

const PAGE_SIZE = 50;
const MESSAGES = 20;
const PROGRESS_MILLISECONDS = 3_000;
const CHANGE_TRIES = 12;
const CHANGE_WAIT_MILLISECONDS = 400;

/** The events of one organizer, or of all: `organizerId` null. */
export function organisedEventsQuery(search: { q: string; status: EventFilter; organizerId: string | null }) {
  return infiniteQueryOptions({
    queryKey: queryKey("organised-events", search),
    queryFn: async ({ pageParam, signal }) => {
      const params = {
        limit: PAGE_SIZE,
        status: search.status,
        ...(search.q === "" ? {} : { q: search.q }),
        ...(search.organizerId === null ? {} : { organizer_id: search.organizerId }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return storeSeatsFrom(await getEvents(params, undefined, undefined, signal), ({ items }) => items);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

export interface BookingSearch {
  q: string;
  status: BookingStatus | null;
  payment: PaidOrNot | null;
}

/** What a search asks the API for. */
export function bookingParameters({ q, status, payment }: BookingSearch) {
  return {
    ...(q === "" ? {} : { q }),
    ...(status === null ? {} : { status }),
    ...(payment === null ? {} : { payment }),
  };
}

/** The bookings of an event. */
export function eventBookingsQuery(eventId: string, search: BookingSearch) {
  return infiniteQueryOptions({
    queryKey: queryKey("event-sales", eventId, "bookings", search),
    queryFn: ({ pageParam, signal }) => {
      const params = {
        limit: PAGE_SIZE,
        ...bookingParameters(search),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return getEventBookings(eventId, params, undefined, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/**
 * The event after somebody else changed the details of `event`. The API that refused an edit knows of the change before its read
 * side shows it: asks again until it does, a few seconds at most.
 */
export function changedEventQuery(event: Event) {
  return queryOptions({
    queryKey: queryKey("events", "changed", event.id, event.details_version),
    queryFn: async ({ signal }) => {
      const read = await getEvent(event.id, undefined, undefined, signal);
      if (read.details_version === event.details_version) throw new Error("The change is not shown yet.");
      return read;
    },
    staleTime: 0,
    // The client retries problems by itself.
    retry: (failures, error) => !(error instanceof ApiError) && failures < CHANGE_TRIES,
    retryDelay: CHANGE_WAIT_MILLISECONDS,
  });
}

/** What was written to the attendees of an event; read again while mails are on their way. */
export function eventMessagesQuery(eventId: string) {
  return infiniteQueryOptions({
    queryKey: queryKey("event-messages", eventId),
    queryFn: ({ pageParam, signal }) =>
      getMessages(
        eventId,
        { limit: MESSAGES, ...(pageParam === null ? {} : { cursor: pageParam }) },
        undefined,
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) => {
      const isOnItsWay = state.data?.pages.some(({ items }) =>
        items.some((one) => one.recipients === null || one.waiting > 0),
      );
      return state.status !== "error" && isOnItsWay === true ? PROGRESS_MILLISECONDS : false;
    },
  });
}

/** The batches of promo codes of an event, and what was sold with them. */
export function eventCodesQuery(eventId: string) {
  return queryOptions({
    queryKey: queryKey("event-sales", eventId, "codes"),
    queryFn: ({ signal }) => getCodes(eventId, undefined, undefined, signal),
  });
}

/** The revenue of an event, by month. */
export function revenueQuery(eventId: string) {
  return queryOptions({
    queryKey: queryKey("event-sales", eventId, "revenue"),
    queryFn: ({ signal }) => getStatsSales({ event_id: eventId, interval: "month" }, undefined, undefined, signal),
  });
}

/** The booking of a ticket of an event, by the ticket's code; null: it is not shown yet. */
export function bookingOfTicketQuery(eventId: string, code: string) {
  return queryOptions({
    queryKey: queryKey("event-sales", eventId, "booking of ticket", code),
    queryFn: async ({ signal }) => {
      const { items } = await getEventBookings(eventId, { q: code, limit: 1 }, undefined, undefined, signal);
      return items[0] ?? null;
    },
  });
}

/** Invalidates everything cached about an event, after a command. */
export function invalidateEvent(queries: QueryClient, eventId: string): Promise<unknown> {
  return Promise.all([
    queries.invalidateQueries({ queryKey: queryKey("events") }),
    queries.invalidateQueries({ queryKey: queryKey("organised-events") }),
    queries.invalidateQueries({ queryKey: queryKey("event-sales", eventId) }),
    queries.invalidateQueries({ queryKey: queryKey("payments") }),
    queries.invalidateQueries({ queryKey: queryKey("statistics"), refetchType: "none" }),
  ]);
}
