import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getEntries, getEventAsOf } from "@/shared/api/generated/audit/audit";
import { getEvents } from "@/shared/api/generated/events/events";
import type { EntryType } from "@/shared/api/generated/model";
import { positionOf } from "@/shared/api/http";

const PAGE_SIZE = 50;
const HISTORY_PAGE_SIZE = 200;
/** Places of the ledger that one request looks at: past that, its page may be empty and have a next one. */
export const PLACES_A_PAGE = 200_000;

/** Times are RFC 3339, in UTC. */
export interface Filter {
  eventId: string | null;
  actorId: string | null;
  type: EntryType | null;
  from: string | null;
  to: string | null;
  after: number | null;
}

export const NO_FILTER: Filter = { eventId: null, actorId: null, type: null, from: null, to: null, after: null };

export function parametersOf({ eventId, actorId, type, from, to, after }: Filter) {
  return {
    ...(eventId === null ? {} : { event_id: eventId }),
    ...(actorId === null ? {} : { actor_id: actorId }),
    ...(type === null ? {} : { type }),
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
    ...(after === null ? {} : { after }),
  };
}

export function entriesQuery(filter: Filter, limit = PAGE_SIZE) {
  return infiniteQueryOptions({
    queryKey: ["ledger", "entries", filter, limit],
    queryFn: ({ pageParam, signal }) => {
      const parameters = { ...parametersOf(filter), limit, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return getEntries(parameters, undefined, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** All entries about one event, in order. */
export function historyQuery(eventId: string) {
  return entriesQuery({ ...NO_FILTER, eventId }, HISTORY_PAGE_SIZE);
}

/** The event as it stood at a position or a time, and the position that this stands for. What was does not change. */
export function asOfQuery(eventId: string, at: number | string | null) {
  return queryOptions({
    queryKey: ["ledger", "as of", eventId, at],
    queryFn: async ({ signal }) => {
      const event = await getEventAsOf(eventId, at === null ? {} : { at }, undefined, undefined, signal);
      return { event, position: positionOf(event) };
    },
    staleTime: at === null ? 0 : Infinity,
    gcTime: 60_000,
  });
}

/** Events to choose from, whatever became of them. */
export async function findEvents(q: string, signal: AbortSignal): Promise<{ id: string; name: string }[]> {
  const page = await getEvents({ limit: 20, status: "all", ...(q === "" ? {} : { q }) }, undefined, undefined, signal);
  return page.items;
}
