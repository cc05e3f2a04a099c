import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getEvent, getEvents } from "@/shared/api/generated/events/events";
import { learnFrom } from "@/shared/live/seat-store";

export const PAGE_SIZE = 24;

/** What is looked for: days are `2026-11-21`, the first and the last of them, in the browser's time zone. */
export interface Filter {
  q: string;
  from: string | null;
  to: string | null;
}

export function eventsQuery({ q, from, to }: Filter) {
  return infiniteQueryOptions({
    queryKey: ["/api/events", { q, from, to }],
    queryFn: async ({ pageParam, signal }) => {
      const params = {
        limit: PAGE_SIZE,
        ...(q === "" ? {} : { q }),
        ...(from === null ? {} : { from: new Date(`${from}T00:00:00`).toISOString() }),
        ...(to === null ? {} : { to: new Date(`${to}T23:59:59.999`).toISOString() }),
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
