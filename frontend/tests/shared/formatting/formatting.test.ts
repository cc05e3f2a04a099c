import { expect, it } from "vitest";

import { localDate } from "@/features/events/local-dates";
import { splitAmount, sumAmounts } from "@/shared/formatting/amounts";
import { formatCount } from "@/shared/formatting/counts";
import {
  formatDayRange,
  toDateParts,
  formatDateTime,
  formatTimeRange,
  formatTime,
} from "@/shared/formatting/date-times";
import { formatMoney, sumLines } from "@/shared/formatting/money";
import { toInstant, toWallClock } from "@/shared/time/wall-clock";

it("amounts are added without rounding errors", () => {
  expect(sumLines([])).toBe("0");
  expect(sumLines([{ price: "0.10", quantity: 3 }])).toBe("0.30");
  expect(sumLines([{ price: "19.99", quantity: 3 }, { price: "0.03", quantity: 1 }])).toBe("60.00"); // prettier-ignore
  expect(sumLines([{ price: "4500", quantity: 2 }])).toBe("9000");
  expect(sumLines([{ price: "9999999999.99", quantity: 1_000_000 }])).toBe("9999999999990000.00");
});

it("amounts are formatted for the language, with the currency's decimals", () => {
  expect(formatMoney("9999999999990000.05", "EUR")).toBe("€9,999,999,999,990,000.05");
  expect(formatMoney("4500", "JPY")).toBe("¥4,500");
  expect(formatMoney("-12.50", "EUR")).toBe("-€12.50");
  expect(formatCount(11_467)).toBe("11,467");
});

it("times are formatted in the event's time zone, with its name", () => {
  const at = "2026-12-21T18:00:00Z";
  expect(formatTime(at, "Asia/Tokyo")).toMatch(/03:00.*GMT\+9/);
  expect(formatDateTime(at, "Asia/Tokyo")).toMatch(/Tue, Dec 22, 2026.*GMT\+9/);
  expect(toDateParts(at, "Asia/Tokyo")).toEqual({ weekday: "Tue", day: "22", month: "Dec", year: "2026" });
  expect(toDateParts(at, "America/New_York").day).toBe("21");
});

it("times in a zone that the browser does not know are formatted in UTC, which is named", () => {
  const [at, zone] = ["2026-12-21T18:00:00Z", "localtime"];
  expect(formatDateTime(at, zone)).toMatch(/Mon, Dec 21, 2026.*06:00.*UTC/);
  expect(formatTimeRange(at, "2026-12-21T21:00:00Z", zone)).toMatch(/UTC$/);
  expect(toDateParts(at, zone).day).toBe("21");
  expect(localDate(at, zone)).toBe("2026-12-21");
  expect(toInstant(toWallClock(at, zone), zone)).toBe("2026-12-21T18:00:00.000Z");
});

it("a range within a day has its day and its time zone once", () => {
  const evening = formatTimeRange("2026-12-21T18:00:00Z", "2026-12-21T21:00:00Z", "UTC");
  expect(evening.match(/Dec/g)).toHaveLength(1);
  expect(evening.match(/UTC/g)).toHaveLength(1);
  expect(formatTimeRange("2026-12-21T18:00:00Z", "2026-12-22T03:00:00Z", "UTC").match(/Dec/g)).toHaveLength(2);
  expect(formatTimeRange("2026-12-21T18:00:00Z", null, "UTC")).toBe(formatDateTime("2026-12-21T18:00:00Z", "UTC"));
});

it("days are formatted without a shift by the time zone", () => {
  expect(formatDayRange("2026-11-21", "2026-11-28")).toMatch(/Nov 21.*28, 2026/);
});

it.each([
  ["100.00", 3, ["33.34", "33.33", "33.33"]],
  ["0.01", 2, ["0.01", "0.00"]],
  ["1000", 3, ["334", "333", "333"]],
  ["0.00", 1, ["0.00"]],
])("%s is split in %d parts, the first ones with the remainder", (amount, parts, split) => {
  expect(splitAmount(amount, parts)).toEqual(split);
  expect(sumAmounts(split)).toBe(amount);
});
