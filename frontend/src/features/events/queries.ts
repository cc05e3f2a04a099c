import { infiniteQueryOptions } from "@tanstack/react-query";

import { getEvents } from "@/shared/api/generated/events/events";
import type { Event, EventPage } from "@/shared/api/generated/model";
import { storeSeatsFrom } from "@/shared/live/seat-store";
import { queryKey } from "@/shared/queries/query-key";

import { datesAnywhere, localDate } from "./local-dates";

export const PAGE_SIZE = 24;

/** Of the events about that time, some may be on another date at their own place: more are read at once. */
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
 * The API filters by instants, people by the date that an event shows. What the API finds between the instants at which it is that
 * date somewhere is filtered by each event's own date here. Pages are read on until there is something to show; and until it is
 * known that something comes after it, so that the count is true and "Show more" shows more.
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
    const found = page.items.filter(isOnDate);
    if (items.length >= PAGE_SIZE && found.length > 0) return { items, next_cursor: next };
    items.push(...found);
    if (page.next_cursor === null) return { items, next_cursor: null };
    next = page.next_cursor;
  }
}
