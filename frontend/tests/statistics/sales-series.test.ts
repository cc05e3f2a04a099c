import { describe, expect, it } from "vitest";

import { selectBestSellers, rankEvents } from "@/features/statistics/rank-events";
import {
  calculateAverage,
  listCurrencies,
  MOST_POINTS,
  toPoints,
  formatShare,
  sumTotals,
} from "@/features/statistics/sales-series";
import type { EventStats, Sales } from "@/shared/api/generated/model";
import { sumAmounts } from "@/shared/formatting/amounts";

const sale = (start: string, gross: string, refunded = "0.00", currency = "EUR"): Sales => ({
  start,
  currency,
  bookings: 2,
  cancellations: 1,
  tickets: 3,
  tickets_cancelled: 1,
  gross,
  refunded,
  net: sumAmounts([gross, refunded === "0.00" ? "0" : `-${refunded}`]),
});

describe("amounts", () => {
  it.each([
    [[], "0"],
    [["0.10", "0.20"], "0.30"],
    [["10", "2.5", "-0.05"], "12.45"],
    [["1.00", "-2.50"], "-1.50"],
    [["90071992547409.93", "0.01"], "90071992547409.94"],
    [["235500", "1"], "235501"],
    [["-0.04", "0.01"], "-0.03"],
  ])("%j come to %s, exactly", (amounts, all) => {
    expect(sumAmounts(amounts)).toBe(all);
  });

  it("have an average of 0 without bookings", () => {
    expect(calculateAverage("100.00", 3)).toBe("33.33");
    expect(calculateAverage("100.00", 0)).toBe("0.00");
    expect(formatShare(1, 3)).toBe("33.3%");
    expect(formatShare(0, 0)).toBe("0%");
  });
});

describe("a series", () => {
  const series = [sale("2026-11-01T00:00:00Z", "50.00"), sale("2026-11-04T00:00:00Z", "150.00", "200.00")];

  it("has the sums of its intervals as totals", () => {
    expect(sumTotals(series)).toEqual({
      gross: "200.00",
      refunded: "200.00",
      net: "0.00",
      bookings: 4,
      cancellations: 2,
      tickets: 6,
      ticketsCancelled: 2,
    });
  });

  it("contains days without sales", () => {
    expect(toPoints(series, "day").map(({ start, net }) => [start.slice(0, 10), net])).toEqual([
      ["2026-11-01", 50],
      ["2026-11-02", 0],
      ["2026-11-03", 0],
      ["2026-11-04", -50],
    ]);
  });

  it("has months of different lengths", () => {
    const months = [sale("2026-01-01T00:00:00Z", "1.00"), sale("2026-04-01T00:00:00Z", "1.00")];
    expect(toPoints(months, "month").map(({ start }) => start.slice(0, 7))).toEqual([
      "2026-01",
      "2026-02",
      "2026-03",
      "2026-04",
    ]);
  });

  it("that is too long is not filled", () => {
    const far = [sale("2020-01-01T00:00:00Z", "1.00"), sale("2026-01-01T00:00:00Z", "1.00")];
    expect(toPoints(far, "hour")).toHaveLength(2);
    expect(toPoints(far, "month")).toHaveLength(73);
    expect(MOST_POINTS).toBeGreaterThan(1_000);
  });

  it("without sales has no points", () => {
    expect(toPoints([], "day")).toEqual([]);
    expect(listCurrencies([...series, sale("2026-11-05T00:00:00Z", "1", "0.00", "JPY")])).toEqual(["EUR", "JPY"]);
  });
});

describe("a ranking", () => {
  const event = (number: number, taken: number, net: string, currency = "EUR"): EventStats => ({
    received: "0.00",
    paid_back: "0.00",
    due: "0.00",
    refund_due: "0.00",
    event_id: String(number),
    number,
    name: `Event ${number}`,
    starts_at: "",
    status: "active",
    currency,
    capacity: 10,
    taken,
    bookings: 1,
    cancellations: number,
    gross: net,
    refunded: "0",
    net,
  });
  const events = [event(1, 5, "9.00"), event(2, 10, "100.00"), event(3, 5, "0.00"), event(4, 1, "99999", "JPY")];
  const numbers = (list: EventStats[]) => list.map(({ number }) => number);

  it("is ordered by the chosen measure, then newest first", () => {
    expect(numbers(rankEvents(events, "occupancy"))).toEqual([2, 3, 1, 4]);
    expect(numbers(rankEvents(events, "newest"))).toEqual([4, 3, 2, 1]);
  });

  it("contains events of one currency that have sales", () => {
    expect(numbers(selectBestSellers(events, "EUR", 8))).toEqual([2, 1]);
    expect(numbers(selectBestSellers(events, "EUR", 1))).toEqual([2]);
  });
});
