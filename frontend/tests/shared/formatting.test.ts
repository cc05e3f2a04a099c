import { expect, it } from "vitest";

import { count } from "@/shared/formatting/counts";
import { dayRange, leaf, moment, span, time } from "@/shared/formatting/moments";
import { money, total } from "@/shared/formatting/money";

it("adds money up without losing a cent", () => {
  expect(total([])).toBe("0");
  expect(total([{ price: "0.10", quantity: 3 }])).toBe("0.30");
  expect(total([{ price: "19.99", quantity: 3 }, { price: "0.03", quantity: 1 }])).toBe("60.00"); // prettier-ignore
  expect(total([{ price: "4500", quantity: 2 }])).toBe("9000");
  expect(total([{ price: "9999999999.99", quantity: 1_000_000 }])).toBe("9999999999990000.00");
});

it("writes money as the language does, in its own decimals", () => {
  expect(money("9999999999990000.05", "EUR")).toBe("€9,999,999,999,990,000.05");
  expect(money("4500", "JPY")).toBe("¥4,500");
  expect(money("-12.50", "EUR")).toBe("-€12.50");
  expect(count(11_467)).toBe("11,467");
});

it("says times in the event's time zone, and names it", () => {
  const at = "2026-12-21T18:00:00Z";
  expect(time(at, "Asia/Tokyo")).toMatch(/03:00.*GMT\+9/);
  expect(moment(at, "Asia/Tokyo")).toMatch(/Tue, Dec 22, 2026.*GMT\+9/);
  expect(leaf(at, "Asia/Tokyo")).toEqual({ weekday: "Tue", day: "22", month: "Dec", year: "2026" });
  expect(leaf(at, "America/New_York").day).toBe("21");
});

it("says the day of an evening once, and the time zone once", () => {
  const evening = span("2026-12-21T18:00:00Z", "2026-12-21T21:00:00Z", "UTC");
  expect(evening.match(/Dec/g)).toHaveLength(1);
  expect(evening.match(/UTC/g)).toHaveLength(1);
  expect(span("2026-12-21T18:00:00Z", "2026-12-22T03:00:00Z", "UTC").match(/Dec/g)).toHaveLength(2);
  expect(span("2026-12-21T18:00:00Z", null, "UTC")).toBe(moment("2026-12-21T18:00:00Z", "UTC"));
});

it("says days without a shift", () => {
  expect(dayRange("2026-11-21", "2026-11-28")).toMatch(/Nov 21.*28, 2026/);
});
