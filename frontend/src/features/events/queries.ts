import { infiniteQueryOptions } from "@tanstack/react-query";

import { getEvents } from "@/shared/api/generated/events/events";
import type { Event, EventPage } from "@/shared/api/generated/model";
import { storeSeatsFrom } from "@/shared/live/seat-store";
import { queryKey } from "@/shared/queries/query-key";

import { datesAnywhere, localDate } from "./local-dates";

export const PAGE_SIZE = 24;

/** Events about that time may be on another date in their own time zone: more are read at once. */
const DATED_PAGE_SIZE = 100;

/** The search. `from` and `to` are dates (`2026-11-21`) in the time zone of each event, both inclusive. */
export interface Filter {
  q: string;
  from: string | null;
  to: string | null;
}

export function eventsQuery(filter: Filter) {
  return infiniteQueryOptions({
    queryKey: queryKey("events", "list", { q: filter.q, from: filter.from, to: filter.to }),
    queryFn: ({ pageParam, signal }) =>
      filter.from === null
        ? readPage(filter, pageParam, signal)
        : readDatedPage(filter, filter.from, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

async function readPage({ q, from, to }: Filter, cursor: string | null, signal: AbortSignal): Promise<EventPage> {
  const params = {
    limit: from === null ? PAGE_SIZE : DATED_PAGE_SIZE,
    ...(q === "" ? {} : { q }),
    ...(from === null ? {} : datesAnywhere(from, to ?? from)),
    ...(cursor === null ? {} : { cursor }),
  };
  return storeSeatsFrom(await getEvents(params, undefined, undefined, signal), ({ items }) => items);
}

/**
 * A page of events by their own dates. The API filters by instants, so it is asked for all instants at which it is one of these
 * dates in any time zone, and its events are filtered here. Reads on until there is a match, and until the next match is known, so
 * that "Show more" shows more.
 */
async function readDatedPage(
  filter: Filter,
  first: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<EventPage> {
  const last = filter.to ?? first;
  const isOnDate = ({ starts_at, timezone }: Event) => {
    if (starts_at === null) return false;
    const date = localDate(starts_at, timezone);
    return first <= date && date <= last;
  };
  const items: Event[] = [];
  let next = cursor;
  for (;;) {
    const page = await readPage(filter, next, signal);
    const matches = page.items.filter(isOnDate);
    if (items.length >= PAGE_SIZE && matches.length > 0) return { items, next_cursor: next };
    items.push(...matches);
    if (page.next_cursor === null) return { items, next_cursor: null };
    next = page.next_cursor;
  }
}
