import { describe, expect, it } from "vitest";

import { parsePointInTime } from "@/features/ledger/point-in-time/parse-point-in-time";

describe("a point in time", () => {
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
    expect(parsePointInTime(typed)).toBe(moment);
  });

  it("without an offset is the browser's local time", () => {
    expect(parsePointInTime("2026-11-21 20:00")).toBe(new Date("2026-11-21T20:00").toISOString());
  });
});
