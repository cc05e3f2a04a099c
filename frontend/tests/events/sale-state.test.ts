import { describe, expect, it } from "vitest";

import { isOngoing, getSaleState, getEndTimes, type SaleState } from "@/features/events/sale-state";
import type { Event } from "@/shared/api/generated/model";

import { event } from "../factories";

const START = "2030-05-01T19:00:00Z";
const BEFORE = Date.parse("2030-05-01T18:59:59Z");
const AT_START = Date.parse(START);
const CLOSE = "2030-05-20T17:00:00Z";
const AT_CLOSE = Date.parse(CLOSE);
const OPEN_DATE: Partial<Event> = { starts_at: null };

describe("the state of sales", () => {
  it.each<[string, Partial<Event>, number, number, SaleState]>([
    ["a concert before its start", { starts_at: START }, BEFORE, 3, "on-sale"],
    ["a concert without seats", { starts_at: START }, BEFORE, 0, "sold-out"],
    ["a concert at its start", { starts_at: START }, AT_START, 3, "past"],
    ["a concert whose sales closed", { starts_at: CLOSE, sales_close_at: START }, AT_START, 3, "closed"],
    ["a concert whose sales closed, at its start", { starts_at: CLOSE, sales_close_at: START }, AT_CLOSE, 3, "past"],
    ["an exhibition that has begun", { starts_at: START, sales_close_at: CLOSE }, AT_START, 3, "on-sale"],
    ["an exhibition that is full", { starts_at: START, sales_close_at: CLOSE }, AT_START, 0, "sold-out"],
    ["an exhibition whose sales are over", { starts_at: START, sales_close_at: CLOSE }, AT_CLOSE, 3, "past"],
    [
      "sales that open after the start",
      { starts_at: START, sales_open_at: CLOSE, past_at: null },
      AT_START,
      3,
      "not-open",
    ],
    ["sales after the start without an end", { starts_at: START, past_at: null }, AT_CLOSE, 3, "on-sale"],
    ["a voucher", OPEN_DATE, AT_CLOSE, 3, "on-sale"],
    ["a voucher before its sales open", { ...OPEN_DATE, sales_open_at: START }, BEFORE, 3, "not-open"],
    ["a voucher before its sales close", { ...OPEN_DATE, sales_close_at: START }, BEFORE, 3, "on-sale"],
    ["a voucher whose sales closed", { ...OPEN_DATE, sales_close_at: START }, AT_START, 3, "closed"],
    ["a voucher that is cancelled", { ...OPEN_DATE, status: "cancelled" }, BEFORE, 3, "cancelled"],
    ["a concert that is completed", { starts_at: START, status: "completed" }, AT_CLOSE, 3, "completed"],
  ])("of %s", (_, more, now, available, state) => {
    expect(getSaleState(event(more), available, now)).toBe(state);
  });
});

describe("whether an event is going on", () => {
  it.each<[string, Partial<Event>, number, boolean]>([
    ["before the start", { starts_at: START, sales_close_at: CLOSE }, BEFORE, false],
    ["from the start", { starts_at: START, sales_close_at: CLOSE }, AT_START, true],
    ["until sales are over", { starts_at: START, sales_close_at: CLOSE }, AT_CLOSE, false],
    ["a concert that has begun", { starts_at: START }, AT_START, false],
    ["an open date", OPEN_DATE, AT_START, false],
    ["after a cancellation", { starts_at: START, sales_close_at: CLOSE, status: "cancelled" }, AT_START, false],
  ])("%s", (_, more, now, expected) => {
    expect(isOngoing(event(more), now)).toBe(expected);
  });
});

describe("the end of an event and of its sales", () => {
  const ends_at = "2030-05-21T17:00:00Z";

  it.each<[string, Partial<Event>, number, string | null, string | null]>([
    ["an exhibition", { starts_at: START, ends_at, sales_close_at: CLOSE }, AT_START, ends_at, CLOSE],
    ["an exhibition to come", { starts_at: START, ends_at, sales_close_at: CLOSE }, BEFORE, null, null],
    ["an exhibition without an end", { starts_at: START, sales_close_at: CLOSE }, AT_START, null, CLOSE],
    ["a concert", { starts_at: START, ends_at }, AT_START, null, null],
    ["a voucher", { ...OPEN_DATE, sales_close_at: CLOSE }, AT_START, null, CLOSE],
    ["a voucher for ever", OPEN_DATE, AT_START, null, null],
    ["a voucher whose sales closed", { ...OPEN_DATE, sales_close_at: CLOSE }, AT_CLOSE, null, null],
  ])("%s", (_, more, now, on, sales) => {
    expect(getEndTimes(event(more), now)).toEqual({ on, sales });
  });
});
