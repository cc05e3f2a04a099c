import { describe as about, expect, it } from "vitest";

import { describe, nameOf } from "@/features/ledger/entries/description";
import { around, indexAt, parseMoment } from "@/features/ledger/point-in-time/moments";
import type { Entry } from "@/shared/api/generated/model";

const entry = (type: string, body: Record<string, unknown>, position = 1): Entry => ({
  position,
  event_id: "e",
  version: 1,
  type,
  topic: `${type}/1`,
  at: null,
  actor_id: null,
  request_id: null,
  body,
});

about("an entry in few words", () => {
  it.each([
    ["event-scheduled", { details: { name: "Gala" }, categories: [{ capacity: 3 }, { capacity: 4 }] }, "Gala, 7 seats"],
    [
      "seats-booked",
      {
        lines: [
          [1, "General", 2, 5000],
          [2, "VIP", 1, 15000],
        ],
      },
      "2 × General, 1 × VIP",
    ],
    ["booking-cancelled", { whole: true, tickets: [0, 1] }, "The whole booking"],
    ["booking-cancelled", { whole: false, tickets: [1] }, "1 ticket of it"],
    ["ticket-used", { ticket: 0 }, "Ticket 1 of its booking"],
    ["event-cancelled", {}, ""],
    ["capacity-changed", { category: 2, capacity: 1200 }, "Category 2 has 1,200 seats"],
  ])("%s", (type, body, said) => {
    expect(describe(entry(type, body))).toBe(said);
  });

  it("of a kind that this page does not know, and of bytes that are no entry, nothing is made up", () => {
    expect(describe(entry("seats-moved", { to: 5 }))).toBe("");
    expect(nameOf("seats-moved")).toBe("seats-moved");
    expect(describe(entry("", { unreadable: "AAEC" }))).toBe("");
    expect(describe(entry("seats-booked", { lines: "broken" }))).toBe("");
  });
});

about("a moment", () => {
  it.each([
    ["1042", 1042],
    [" 7 ", 7],
    ["2026-11-21T20:00:00Z", "2026-11-21T20:00:00.000Z"],
    ["2026-11-21T20:00+01:00", "2026-11-21T19:00:00.000Z"],
    ["soon", null],
    ["-5", null],
    ["", null],
    ["2026-13-45", null],
  ])("%j is %j", (typed, moment) => {
    expect(parseMoment(typed)).toBe(moment);
  });

  it("without an offset it is the reader's own time", () => {
    expect(parseMoment("2026-11-21 20:00")).toBe(new Date("2026-11-21T20:00").toISOString());
  });
});

about("a place among entries", () => {
  const entries = [3, 7, 9].map((position) => entry("seats-booked", {}, position));

  it("is the last one that is not later", () => {
    expect([2, 3, 8, 9, 100].map((position) => indexAt(entries, position))).toEqual([-1, 0, 1, 2, 2]);
  });

  it("has neighbours, as many as there are", () => {
    expect(around(0, 3, 9)).toEqual([0, 1, 2]);
    expect(around(50, 100, 5)).toEqual([48, 49, 50, 51, 52]);
    expect(around(99, 100, 5)).toEqual([95, 96, 97, 98, 99]);
    expect(around(-1, 100, 3)).toEqual([0, 1, 2]);
  });
});
