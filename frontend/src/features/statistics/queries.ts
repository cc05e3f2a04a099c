import { queryOptions } from "@tanstack/react-query";

import type { EventStats, Interval } from "@/shared/api/generated/model";
import { getStatsEvents, getStatsSales, getStatsSummary } from "@/shared/api/generated/stats/stats";
import { queryKey } from "@/shared/queries/query-key";

const PAGE_SIZE = 200;
const MOST_PAGES = 5;

/** Days are `2026-11-21`, the first and the last of them, in UTC. */
export interface Filter {
  eventId: string | null;
  from: string | null;
  to: string | null;
  interval: Interval;
}

export function summaryQuery() {
  return queryOptions({
    queryKey: queryKey("statistics", "summary"),
    queryFn: ({ signal }) => getStatsSummary(undefined, undefined, signal),
  });
}

/** The API's parameters for the sales of a filter. */
export function salesParameters({ eventId, from, to, interval }: Filter) {
  return {
    interval,
    ...(eventId === null ? {} : { event_id: eventId }),
    ...(from === null ? {} : { from: `${from}T00:00:00Z` }),
    ...(to === null ? {} : { to: `${dayAfter(to)}T00:00:00Z` }),
  };
}

export function salesQuery(filter: Filter) {
  return queryOptions({
    queryKey: queryKey("statistics", "sales", filter),
    queryFn: ({ signal }) => getStatsSales(salesParameters(filter), undefined, undefined, signal),
  });
}

/** Events for the filter, newest first: those whose statistics the account may see. */
export async function findEvents(q: string, signal: AbortSignal): Promise<{ id: string; name: string }[]> {
  const page = await getStatsEvents({ limit: 20, ...(q === "" ? {} : { q }) }, undefined, undefined, signal);
  return page.items.map(({ event_id, name }) => ({ id: event_id, name }));
}

export interface AllEvents {
  items: EventStats[];
  /** There are more than were asked for. */
  isBounded: boolean;
  /** The lowest ledger position of the pages. */
  position: number;
}

/** The newest 1,000 events at most. They are ranked in the browser. */
export function eventsQuery() {
  return queryOptions({
    queryKey: queryKey("statistics", "events"),
    queryFn: async ({ signal }): Promise<AllEvents> => {
      const items: EventStats[] = [];
      let cursor: string | null = null;
      let position = Infinity;
      for (let pages = 0; pages < MOST_PAGES; pages += 1) {
        const parameters: { limit: number; cursor?: string } = {
          limit: PAGE_SIZE,
          ...(cursor === null ? {} : { cursor }),
        };
        const page = await getStatsEvents(parameters, undefined, undefined, signal);
        items.push(...page.items);
        position = Math.min(position, page.ledger_position);
        cursor = page.next_cursor;
        if (cursor === null) break;
      }
      return { items, isBounded: cursor !== null, position };
    },
  });
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}
