import { describe, expect, it } from "vitest";

import { findIndexAt, selectNeighbours } from "@/features/ledger/history/entry-indices";
import type { Entry } from "@/shared/api/generated/model";

const entry = (position: number): Entry => ({
  position,
  event_id: "e",
  version: 1,
  type: "seats-booked",
  topic: "seats-booked/1",
  at: null,
  actor_id: null,
  request_id: null,
  body: {},
});

describe("the index of an entry", () => {
  const entries = [3, 7, 9].map(entry);

  it("is that of the last entry at or before a position", () => {
    expect([2, 3, 8, 9, 100].map((position) => findIndexAt(entries, position))).toEqual([-1, 0, 1, 2, 2]);
  });

  it("has a window of neighbours within the list", () => {
    expect(selectNeighbours(0, 3, 9)).toEqual([0, 1, 2]);
    expect(selectNeighbours(50, 100, 5)).toEqual([48, 49, 50, 51, 52]);
    expect(selectNeighbours(99, 100, 5)).toEqual([95, 96, 97, 98, 99]);
    expect(selectNeighbours(-1, 100, 3)).toEqual([0, 1, 2]);
  });
});
