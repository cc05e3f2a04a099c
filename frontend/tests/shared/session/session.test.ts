import { QueryClient, type QueryKey } from "@tanstack/react-query";
import { expect, it } from "vitest";

import { bookingsQuery } from "@/features/bookings/queries";
import { eventsQuery } from "@/features/events/queries";
import { statisticsAsOfQuery } from "@/features/ledger/queries";
import { organisedEventsQuery, eventBookingsQuery } from "@/features/organise/queries";
import { queryKey } from "@/shared/queries/query-key";
import { endSession } from "@/shared/session/session";

it("signing out forgets a user's data, and keeps public data", () => {
  const queries = new QueryClient();
  const everybodys = eventsQuery({ q: "", from: null, to: null }).queryKey;
  const own: QueryKey[] = [
    bookingsQuery("upcoming").queryKey,
    organisedEventsQuery({ q: "", status: "active", organizerId: "one" }).queryKey,
    eventBookingsQuery("event", { q: "", status: null, payment: null }).queryKey,
    statisticsAsOfQuery(null).queryKey,
  ];
  for (const key of [everybodys, ...own]) queries.setQueryData(key, { pages: [] });
  endSession(queries);
  expect(queries.getQueryData(everybodys)).toBeDefined();
  expect(own.map((key) => queries.getQueryData(key))).toEqual(own.map(() => undefined));
  expect(queries.getQueryData(queryKey("session"))).toBeNull();
});
