import { expect, it } from "vitest";

import type { Event } from "@/shared/api/generated/model";
import { seatsByName, type Seats } from "@/shared/live/seat-store";
import { limitInPool, sharesWithEarlier, sharingNotes } from "@/shared/live/shared-seats";

import { category, event, pool } from "../../factories";

const shared = ["Adult", "Child", "Member"].map((name) => category(name, { available: 4 }));
const hall = pool("Hall", shared, { available: 4 });
const concert = event({ categories: [...shared, category("Balcony")], pools: [hall] });
const seatsOf = ({ available, categories, pools }: Event): Seats => {
  return { available, ...seatsByName(categories, pools), position: 0 };
};
const limit = (name: string, chosen: Record<string, number>, of: Event = concert) =>
  limitInPool(of, seatsOf(of), chosen, `id-of-${name}`).most;

it("a category can have what its pool leaves beside the others that are chosen", () => {
  expect(limit("Adult", {})).toBe(4);
  expect(limit("Adult", { "id-of-Adult": 3, "id-of-Child": 1, "id-of-Balcony": 5 })).toBe(3);
  expect(limit("Adult", { "id-of-Child": 9 })).toBe(0);
  expect(limit("Adult", { "id-of-Child": NaN })).toBe(4);
  expect(limit("Balcony", { "id-of-Adult": 4 })).toBe(Infinity);
});

it("a pool of one category that is left has nothing to share", () => {
  const rest = [category("Adult", { available: 4 }), category("Child", { available: 0 })];
  const alone = event({ categories: rest, pools: [pool("Hall", rest, { available: 4 })] });
  expect(limit("Adult", {}, alone)).toBe(Infinity);
  expect(sharingNotes(alone, seatsOf(alone))).toEqual([]);
});

it("the note names the categories that share", () => {
  expect(sharingNotes(concert, seatsOf(concert))).toEqual(["Adult, Child and Member share 4 seats."]);
  expect(limitInPool(concert, seatsOf(concert), {}, "id-of-Adult").overMost).toBe(
    "Only 4 seats are left for Adult, Child and Member together.",
  );
});

it("a category shares with those before it in an order", () => {
  expect(sharesWithEarlier(concert, "Child", ["Adult", "Child"])).toBe(true);
  expect(sharesWithEarlier(concert, "Adult", ["Adult", "Child"])).toBe(false);
  expect(sharesWithEarlier(concert, "Balcony", ["Adult", "Balcony"])).toBe(false);
  expect(sharesWithEarlier(concert, "Adult", [])).toBe(false);
});
