import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import {
  getAccountTrail,
  getCheckpoint,
  getEntries,
  getEventAsOf,
  getProof,
  getStatsAsOf,
  getStatsDifference,
} from "@/shared/api/generated/audit/audit";
import { getEvents } from "@/shared/api/generated/events/events";
import type { EntryType } from "@/shared/api/generated/model";
import { positionOf } from "@/shared/api/http";
import { queryKey } from "@/shared/queries/query-key";

import { verifyInclusion } from "./proofs/verify-inclusion";

const PAGE_SIZE = 50;
const HISTORY_PAGE_SIZE = 200;
/** Positions that one request searches: past that, its page may be empty and have a next one. */
export const POSITIONS_PER_PAGE = 200_000;

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

export function toEntryParameters({ eventId, actorId, type, from, to, after }: Filter) {
  return {
    ...(eventId === null ? {} : { event_id: eventId }),
    ...(actorId === null ? {} : { actor_id: actorId }),
    ...(type === null ? {} : { type }),
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
    ...(after === null ? {} : { after }),
  };
}

export function accountTrailQuery(accountId: string | null) {
  return infiniteQueryOptions({
    queryKey: queryKey("account-trail", accountId),
    queryFn: ({ pageParam, signal }) => {
      const parameters = {
        limit: PAGE_SIZE,
        ...(accountId === null ? {} : { account_id: accountId }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return getAccountTrail(parameters, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function entriesQuery(filter: Filter, limit = PAGE_SIZE) {
  return infiniteQueryOptions({
    queryKey: queryKey("ledger", "entries", filter, limit),
    queryFn: ({ pageParam, signal }) => {
      const parameters = { ...toEntryParameters(filter), limit, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return getEntries(parameters, undefined, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** All entries of one event, in order. */
export function historyQuery(eventId: string) {
  return entriesQuery({ ...NO_FILTER, eventId }, HISTORY_PAGE_SIZE);
}

/** The event as of a position or a time, and that position. The past does not change. */
export function eventAsOfQuery(eventId: string, at: number | string | null) {
  return queryOptions({
    queryKey: queryKey("ledger", "event-as-of", eventId, at),
    queryFn: async ({ signal }) => {
      const event = await getEventAsOf(eventId, at === null ? {} : { at }, undefined, undefined, signal);
      return { event, position: positionOf(event) };
    },
    staleTime: at === null ? 0 : Infinity,
    gcTime: 60_000,
  });
}

/** The statistics of all events as of a position or a time; null: now. */
export function statisticsAsOfQuery(at: number | string | null) {
  return queryOptions({
    queryKey: queryKey("ledger", "statistics-as-of", at),
    queryFn: ({ signal }) => getStatsAsOf(at === null ? {} : { at }, undefined, undefined, signal),
  });
}

/** Positions or times; null: the first entry, and now. */
export interface TimeRange {
  since: number | string | null;
  at: number | string | null;
}

/** Where the next page of a difference starts. */
type DifferencePage = Partial<Record<"since" | "at", number>> & { cursor?: string };
const NO_PAGE: DifferencePage = {};

/** Changes of the statistics between two points in time. All its pages are of the same two positions. */
export function differenceQuery({ since, at }: TimeRange) {
  return infiniteQueryOptions({
    queryKey: queryKey("ledger", "difference", since, at),
    queryFn: ({ pageParam, signal }) => {
      const moments = { ...(since === null ? {} : { since }), ...(at === null ? {} : { at }) };
      return getStatsDifference({ ...moments, ...pageParam }, undefined, undefined, signal);
    },
    initialPageParam: NO_PAGE,
    getNextPageParam: ({ before, after, next_cursor: cursor }) =>
      cursor === null ? null : { since: before.ledger_position, at: after.ledger_position, cursor },
    staleTime: at === null ? 0 : Infinity,
    gcTime: 60_000,
  });
}

/** The checkpoint that was signed last. */
export function checkpointQuery() {
  return queryOptions({
    queryKey: queryKey("ledger", "checkpoint"),
    queryFn: ({ signal }) => getCheckpoint(undefined, undefined, signal),
  });
}

/** The proof that the entry at `position` is in the latest checkpoint's tree, and the result of verifying it. */
export function proofQuery(position: number) {
  return queryOptions({
    queryKey: queryKey("ledger", "proof", position),
    queryFn: async ({ signal }) => {
      const proof = await getProof({ position }, undefined, undefined, signal);
      const { verifier_key: key } = await getCheckpoint(undefined, undefined, signal);
      return { proof, key, checked: await verifyInclusion(proof, key) };
    },
    gcTime: 60_000,
  });
}

/** Events for the filter, of any status. */
export async function findEvents(q: string, signal: AbortSignal): Promise<{ id: string; name: string }[]> {
  const page = await getEvents({ limit: 20, status: "all", ...(q === "" ? {} : { q }) }, undefined, undefined, signal);
  return page.items;
}
