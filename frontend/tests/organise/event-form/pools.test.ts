import { describe, expect, it } from "vitest";

import {
  emptyValues,
  newCategory,
  normaliseValues,
  toChanges,
  toCreate,
  valuesOf,
  type EventValues,
} from "@/features/organise/event-form/event-values";
import { newPool, type PoolValues } from "@/features/organise/event-form/pool-values";
import { validateEvent, type ValidationContext } from "@/features/organise/event-form/validate-event";

import { category, event, pool } from "../../factories";

const [adult, child, balcony] = [category("Adult"), category("Child"), category("Balcony")];
const saved = valuesOf(event({ categories: [adult, child, balcony], pools: [pool("Hall", [adult, child])] }));
const hall: PoolValues = {
  key: "id-of-Hall",
  id: "id-of-Hall",
  name: "Hall",
  capacity: 6,
  categories: [adult.id, child.id],
};
const context: ValidationContext = { now: Date.parse("2030-01-01T00:00:00Z"), base: saved, taken: {} };
const withPools = (...pools: object[]): EventValues => ({
  ...saved,
  pools: pools.map((more) => ({ ...hall, ...more })),
});

describe("a new event", () => {
  const named = (name: string) => ({ ...newCategory(), name, price: "1", capacity: 10 });
  const [first, second] = [named(" Adult "), named("Child")];
  const categories = [first, second];
  const made: EventValues = { ...emptyValues("EUR"), name: "Concert", starts_at: "2031-05-01 20:00:00", categories };

  it("without pools sends none", () => expect(toCreate(made)).not.toHaveProperty("pools"));

  it("names the categories of its pools", () => {
    const pools = [{ ...newPool(), name: " Hall ", capacity: "1,000", categories: categories.map(({ key }) => key) }];
    expect(toCreate(normaliseValues({ ...made, pools })).pools).toEqual([
      { name: "Hall", capacity: 1000, categories: ["Adult", "Child"] },
    ]);
    const renamed = [{ ...first, name: "Grown-up" }, second];
    expect(toCreate({ ...made, pools, categories: renamed }).pools?.[0]?.categories).toEqual(["Grown-up", "Child"]);
  });
});

describe("an edit", () => {
  it("sends no pools that are as before", () => {
    expect(toChanges(saved, saved)).toEqual({});
    expect(toChanges(saved, withPools({ capacity: "6", name: " Hall " }))).toEqual({});
    const renamed = { ...saved, categories: saved.categories.map((one) => ({ ...one, name: `${one.name}s` })) };
    expect(Object.keys(toChanges(saved, renamed))).toEqual(["categories"]);
  });

  it("sends all pools, with categories by id, or by name if they are new", () => {
    const standing = { ...newCategory(), name: " Standing ", price: "1", capacity: 10 };
    const pools = [
      { ...hall, capacity: 9, categories: [...hall.categories, standing.key] },
      { ...newPool(), name: "Upstairs", capacity: 5, categories: [balcony.id] },
    ];
    expect(toChanges(saved, { ...saved, categories: [...saved.categories, standing], pools }).pools).toEqual([
      { id: hall.id, name: "Hall", capacity: 9, categories: [adult.id, child.id, "Standing"] },
      { name: "Upstairs", capacity: 5, categories: [balcony.id] },
    ]);
  });

  it("removes pools", () => expect(toChanges(saved, withPools())).toEqual({ pools: [] }));

  it("sends nothing of a pool for a category that is removed, and not its name either", () => {
    const rest = saved.categories.filter(({ id }) => id !== child.id);
    expect(toChanges(saved, { ...saved, categories: rest })).not.toHaveProperty("pools");
    const smaller = { ...withPools({ capacity: 5 }), categories: rest };
    expect(toChanges(saved, smaller).pools?.[0]?.categories).toEqual([adult.id]);
  });
});

describe("pools", () => {
  it.each([
    [{ name: " " }, "name", "Required."],
    [{ name: "x".repeat(201) }, "name", "At most 200 characters."],
    [{ capacity: "" }, "capacity", "A whole number from 1 to 1,000,000."],
    [{ capacity: 1_000_001 }, "capacity", "A whole number from 1 to 1,000,000."],
    [{ capacity: 4 }, "capacity", "5 seats are already taken."],
    [{ categories: [] }, "categories", "Choose the categories, or remove this pool."],
    [{ categories: ["of no category"] }, "categories", "Choose the categories, or remove this pool."],
  ])("with %j are refused at the field", (changes, field, message) => {
    const taken = { [adult.id]: 2, [child.id]: 3, [balcony.id]: 9 };
    expect(validateEvent(withPools(changes), { ...context, taken })).toEqual({ [`pools.0.${field}`]: message });
  });

  it("have names of their own", () => {
    const pools = withPools({}, { key: "2", id: null, name: "hall ", categories: [balcony.id] });
    expect(validateEvent(pools, context)).toEqual({ "pools.1.name": "Pool names must be unique." });
  });

  it("are 20 at most", () => {
    const many = Array.from({ length: 21 }, (_, number) => ({ key: String(number), name: String(number) }));
    expect(validateEvent(withPools(...many), context)).toEqual({ pools: "At most 20 pools." });
  });

  it("may stay without categories if they had none before", () => {
    const empty = withPools({ categories: [] });
    expect(validateEvent({ ...empty, venue: "Elsewhere" }, { ...context, base: empty })).toEqual({});
  });
});
