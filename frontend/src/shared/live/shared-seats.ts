import type { Event, Pool } from "@/shared/api/generated/model";
import { sharedSeatsText as text } from "@/shared/strings/seats";

import type { Seats } from "./seat-store";

/** Quantities by category id; NaN counts as none. */
type Quantities = Readonly<Record<string, number>>;

/**
 * How many tickets of a category its pool leaves beside those that are chosen in the pool's other categories, and what to say
 * about more. Infinity: it is in no pool, or shares no seats with another category.
 */
export function limitInPool(event: Event, seats: Seats, chosen: Quantities, categoryId: string) {
  const pool = poolOf(event, categoryId);
  if (pool === undefined) return { most: Infinity, overMost: "" };
  const others = pool.categories.filter((id) => id !== categoryId).reduce((sum, id) => sum + (chosen[id] || 0), 0);
  const available = availableIn(pool, seats);
  const names = namesOf(event, pool, (name, id) => (seats.categories[name] ?? 0) > 0 || (chosen[id] || 0) > 0);
  if (names.length < 2) return { most: Infinity, overMost: "" };
  return { most: Math.max(0, available - others), overMost: text.onlyLeft(names, available) };
}

/** A sentence for each pool that has fewer seats left than its categories say one by one. */
export function sharingNotes(event: Event, seats: Seats): string[] {
  return event.pools.flatMap((pool) => {
    const names = namesOf(event, pool, (name) => (seats.categories[name] ?? 0) > 0);
    const oneByOne = names.reduce((sum, name) => sum + (seats.categories[name] ?? 0), 0);
    const available = availableIn(pool, seats);
    return names.length > 1 && oneByOne > available ? [text.share(names, available)] : [];
  });
}

/**
 * Whether a category shares seats with one before it in this order, all by name. A refusal says what is left of a category beside
 * those before it.
 */
export function sharesWithEarlier(event: Event, name: string, ordered: readonly string[]): boolean {
  const category = event.categories.find((one) => one.name === name);
  const pool = category && poolOf(event, category.id);
  const earlier = ordered.slice(0, Math.max(0, ordered.indexOf(name)));
  return pool !== undefined && namesOf(event, pool, (one) => earlier.includes(one)).length > 0;
}

/** The pool of a category. */
export function poolOf(event: Event, categoryId: string): Pool | undefined {
  return event.pools.find(({ categories }) => categories.includes(categoryId));
}

function availableIn(pool: Pool, seats: Seats): number {
  return seats.pools[pool.name]?.available ?? pool.available;
}

function namesOf(event: Event, pool: Pool, isWanted: (name: string, id: string) => boolean): string[] {
  return event.categories
    .filter(({ id, name }) => pool.categories.includes(id) && isWanted(name, id))
    .map(({ name }) => name);
}
