import { describe, expect, it } from "vitest";

import { findDifferences, defaultSides, mergeEdits } from "@/features/organise/edit-event/merge-edits";
import {
  emptyValues,
  toChanges,
  type CategoryValues,
  type EventValues,
} from "@/features/organise/event-form/event-values";
import type { PoolValues } from "@/features/organise/event-form/pool-values";

const GENERAL: CategoryValues = { key: "g", id: "g", name: "General", price: "50.00", capacity: 100 };
const VIP: CategoryValues = { key: "v", id: "v", name: "VIP", price: "150.00", capacity: 10 };
const base: EventValues = {
  ...emptyValues("EUR"),
  name: "Concert",
  venue: "Hall 1",
  timezone: "Europe/Berlin",
  starts_at: "2031-05-01 20:00:00",
  guest_checkout: "proven",
  categories: [GENERAL, VIP],
};
const resolve = (theirs: EventValues, mine: EventValues, chosen = {}) => {
  const found = findDifferences(base, theirs, mine);
  return mergeEdits(theirs, mine, found, { ...defaultSides(found), ...chosen });
};

describe("the merge of two edits", () => {
  it("has no conflict where one edit changed a field, or both to the same value", () => {
    const theirs = { ...base, venue: "Hall 2" };
    const mine = { ...base, venue: "Hall 2", name: "Recital" };
    expect(findDifferences(base, theirs, mine)).toEqual([]);
    expect(resolve(theirs, mine)).toEqual(mine);
  });

  it("has a conflict where both changed a field: mine wins unless theirs is chosen", () => {
    const [theirs, mine] = [
      { ...base, venue: "Hall 2" },
      { ...base, venue: "Hall 3" },
    ];
    expect(findDifferences(base, theirs, mine)).toEqual([
      { path: "venue", before: "Hall 1", theirs: "Hall 2", mine: "Hall 3", isContested: true },
    ]);
    expect(resolve(theirs, mine).venue).toBe("Hall 3");
    expect(resolve(theirs, mine, { venue: "theirs" }).venue).toBe("Hall 2");
  });

  it("keeps a field that only they changed, unless mine is chosen", () => {
    const theirs = { ...base, description: "New", max_tickets_per_customer: 4 };
    expect(resolve(theirs, base)).toMatchObject({ description: "New", max_tickets_per_customer: 4 });
    expect(resolve(theirs, base, { description: "mine" }).description).toBe("");
  });

  it("merges categories one by one, theirs before mine", () => {
    const added: CategoryValues = { key: "n", id: "n", name: "Balcony", price: "20", capacity: 5 };
    const mineToo: CategoryValues = { key: "m", id: null, name: "Standing", price: "10", capacity: 50 };
    const theirs = { ...base, categories: [{ ...GENERAL, price: "60.00" }, VIP, added] };
    const mine = { ...base, categories: [GENERAL, { ...VIP, capacity: 20 }, mineToo] };
    expect(resolve(theirs, mine).categories).toEqual([
      { ...GENERAL, price: "60.00" },
      { ...VIP, capacity: 20 },
      added,
      mineToo,
    ]);
  });

  it("has a conflict where they removed a category that I changed, and adds it anew if I keep it", () => {
    const theirs = { ...base, categories: [GENERAL] };
    const mine = { ...base, categories: [GENERAL, { ...VIP, capacity: 20 }] };
    expect(resolve(theirs, mine).categories).toEqual([GENERAL, { ...VIP, capacity: 20, id: null }]);
    expect(resolve(theirs, mine, { "category v": "theirs" }).categories).toEqual([GENERAL]);
  });

  it("removes a category that they removed and I did not change", () => {
    expect(resolve({ ...base, categories: [GENERAL] }, base).categories).toEqual([GENERAL]);
  });
});

describe("the merge of two edits of pools", () => {
  const hall: PoolValues = { key: "h", id: "h", name: "Hall", capacity: 50, categories: ["g", "v"] };
  const upstairs: PoolValues = { key: "u", id: null, name: "Upstairs", capacity: 5, categories: ["v"] };
  const [pooled, smaller] = [
    { ...base, pools: [hall] },
    { ...base, pools: [{ ...hall, capacity: 40 }] },
  ];
  const split = { ...base, pools: [{ ...hall, categories: ["g"] }, upstairs] };
  const merge = (before: EventValues, theirs: EventValues, mine: EventValues, chosen = {}) => {
    const found = findDifferences(before, theirs, mine);
    return mergeEdits(theirs, mine, found, { ...defaultSides(found), ...chosen }).pools;
  };

  it("has no conflict where one edit changed them", () => {
    expect(findDifferences(pooled, pooled, split)).toEqual([]);
    expect(merge(pooled, pooled, split)).toEqual(split.pools);
    expect(merge(pooled, smaller, pooled)).toEqual(smaller.pools);
  });

  it("has one conflict for all of them, so that a category stays in one pool", () => {
    expect(findDifferences(pooled, smaller, split)).toMatchObject([{ path: "pools", isContested: true }]);
    expect(merge(pooled, smaller, split)).toEqual(split.pools);
    expect(merge(pooled, smaller, split, { pools: "theirs" })).toEqual(smaller.pools);
  });

  it("makes a pool anew that they removed and I keep", () => {
    expect(merge(pooled, base, smaller)).toEqual([{ ...hall, id: null, capacity: 40 }]);
  });

  it("has no conflict where they made pools and I did not", () => {
    expect(merge(base, pooled, { ...base, venue: "Hall 2" })).toEqual([hall]);
  });
});

describe("the changes to send", () => {
  it("contain only fields that differ", () => {
    expect(toChanges(base, base)).toEqual({});
    expect(toChanges(base, { ...base, hold_minutes: "20" })).toEqual({ hold_minutes: 20 });
    expect(toChanges(base, { ...base, venue: "", max_tickets_per_customer: 4 })).toEqual({
      venue: "",
      max_tickets_per_customer: 4,
    });
  });

  it("do not contain a price in another spelling", () => {
    expect(toChanges(base, { ...base, categories: [{ ...GENERAL, price: 50 }, VIP] })).toEqual({});
  });

  it("contain the start if the time zone changes and the local time does not", () => {
    expect(toChanges(base, { ...base, timezone: "Europe/London" })).toEqual({
      timezone: "Europe/London",
      starts_at: "2031-05-01T19:00:00.000Z",
    });
  });

  it("contain all categories, new ones without an id", () => {
    const mine = {
      ...base,
      categories: [GENERAL, { key: "m", id: null, name: " Standing ", price: 10, capacity: "50" }],
    };
    expect(toChanges(base, mine).categories).toEqual([
      { id: "g", name: "General", price: "50.00", capacity: 100 },
      { name: "Standing", price: "10", capacity: 50 },
    ]);
  });

  it("contain null for a removed value", () => {
    const before = { ...base, ends_at: "2031-05-01 23:00:00", max_tickets_per_customer: 6 };
    expect(toChanges(before, { ...before, ends_at: null, max_tickets_per_customer: "" })).toEqual({
      ends_at: null,
      max_tickets_per_customer: null,
    });
  });
});

describe("the merge of two edits of which one opens the date", () => {
  const dated: EventValues = { ...base, ends_at: "2031-05-01 23:00:00", show_at: "2031-05-01 20:30:00" };
  const open: EventValues = { ...dated, date: "open", starts_at: null, ends_at: null, show_at: null };
  const pick = (theirs: EventValues, mine: EventValues, side: "mine" | "theirs") => {
    const found = findDifferences(dated, theirs, mine);
    return mergeEdits(theirs, mine, found, Object.fromEntries(found.map(({ path }) => [path, side])));
  };

  it("has a conflict at the start, and keeps or removes the whole date", () => {
    expect(findDifferences(dated, open, dated).map(({ path }) => path)).toEqual(["starts_at", "show_at", "ends_at"]);
    expect(pick(open, dated, "theirs")).toEqual(open);
    expect(pick(open, dated, "mine")).toEqual(dated);
    const later = { ...dated, ends_at: "2031-05-02 01:00:00" };
    expect(pick(later, open, "theirs")).toEqual(open); // the end is removed with the start
  });
});
