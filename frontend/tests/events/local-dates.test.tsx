import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { EventsPage } from "@/features/events/events-page";
import { datesAnywhere, earliestToday, localDate } from "@/features/events/local-dates";
import type { Event } from "@/shared/api/generated/model";

import { event } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

it.each([
  ["2026-11-22T15:30:00Z", "Asia/Tokyo", "2026-11-23"],
  ["2026-11-22T15:30:00Z", "Europe/Berlin", "2026-11-22"],
  ["2026-11-24T05:00:00Z", "Pacific/Honolulu", "2026-11-23"],
  ["2026-12-31T10:00:00Z", "Pacific/Kiritimati", "2027-01-01"],
])("%s in %s is on %s", (instant, zone, date) => expect(localDate(instant, zone)).toBe(date));

it("the requested range contains each time zone's midnights", () => {
  for (const date of ["2026-01-01", "2026-07-01"]) {
    const { from, to } = datesAnywhere(date, date);
    for (const zone of Intl.supportedValuesOf("timeZone")) {
      expect(localDate(Date.parse(from) - 1, zone) < date, zone).toBe(true);
      expect(localDate(Date.parse(to) + 1, zone) > date, zone).toBe(true);
    }
  }
});

it("the earliest today is not later than today in any time zone", () => {
  const now = Date.parse("2026-11-22T11:00:00Z");
  expect(earliestToday(now)).toBe("2026-11-21");
  for (const zone of Intl.supportedValuesOf("timeZone")) expect(localDate(now, zone) >= "2026-11-21").toBe(true);
});

const on = (starts_at: string, timezone: string) => event({ name: timezone, starts_at, timezone });
const tokyo = () => on("2026-11-22T15:30:00Z", "Asia/Tokyo"); // the 23rd
const berlin = () => on("2026-11-22T15:30:00Z", "Europe/Berlin"); // the 22nd
const many = (number: number, makeEvent: () => Event) => Array.from({ length: number }, makeEvent);

/** The pages that the API has, and how often one was read. */
function have(...pages: Event[][]) {
  const read: number[] = [];
  server.use(
    http.get("*/api/events", ({ request }) => {
      const page = Number(new URL(request.url).searchParams.get("cursor") ?? 0);
      read.push(page);
      return HttpResponse.json({
        items: pages[page] ?? [],
        next_cursor: page + 1 < pages.length ? String(page + 1) : null,
      });
    }),
  );
  renderPage(<EventsPage />, { path: "/?from=2026-11-23&to=2026-11-23" });
  return read;
}

it("the filter skips pages without a match, and counts the matches", async () => {
  const read = have(many(3, berlin), [berlin(), tokyo()], many(2, berlin), [tokyo()]);
  await screen.findByText("2 events");
  expect(screen.getAllByRole("article")).toHaveLength(2);
  expect(read).toEqual([0, 1, 2, 3]);
});

it("more is offered only if more matches, and each event is shown once", async () => {
  have(many(30, tokyo), many(3, berlin), many(2, tokyo), many(3, berlin));
  await screen.findByText("The first 30 events");
  await userEvent.click(screen.getByRole("button", { name: "Show more" }));
  await screen.findByText("32 events");
  expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
});

it("no more is offered after the last match", async () => {
  have(many(30, tokyo), many(3, berlin));
  await screen.findByText("30 events");
  expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
});

it("an empty state is shown once everything was read", async () => {
  const read = have(many(3, berlin), many(3, berlin));
  await screen.findByText("No events found");
  expect(read).toEqual([0, 1]);
});

it("an event with an open date matches no date", async () => {
  have([event({ name: "Voucher", starts_at: null }), tokyo()]);
  await screen.findByText("1 event");
  expect(screen.queryByText("Voucher")).toBeNull();
});
