import type { EditedPool, Event, NewPool } from "@/shared/api/generated/model";
import { randomId } from "@/shared/api/random-id";

import type { CategoryValues } from "./event-values";

/** A pool as entered. `id` null: a new one. `categories`: their keys. A key of a category that was removed since does not count. */
export interface PoolValues {
  key: string;
  id: string | null;
  name: string;
  capacity: string | number;
  categories: string[];
}

type Categories = readonly CategoryValues[];

/** Pools, and the categories that they name. */
export interface Pooled {
  pools: readonly PoolValues[];
  categories: Categories;
}

export function newPool(): PoolValues {
  return { key: randomId(), id: null, name: "", capacity: "", categories: [] };
}

export function poolsOf({ pools }: Event): PoolValues[] {
  return pools.map(({ id, name, capacity, categories }) => ({ key: id, id, name, capacity, categories }));
}

/** The categories that share the capacity of this pool, in their order. */
export function categoriesOf(pool: PoolValues, categories: Categories): CategoryValues[] {
  return categories.filter(({ key }) => pool.categories.includes(key));
}

/** Whether both have the same pools, with the same categories in each. */
export function samePools(first: Pooled, second: Pooled): boolean {
  return JSON.stringify(comparable(first)) === JSON.stringify(comparable(second));
}

function comparable({ pools, categories }: Pooled): unknown {
  return pools.map((pool) => {
    const keys = categoriesOf(pool, categories).map(({ key }) => key);
    return [pool.key, pool.id, pool.name.trim(), Number(pool.capacity), keys.toSorted()];
  });
}

/** A pool of a new event, with its categories by name. */
export function toNewPool(pool: PoolValues, categories: Categories): NewPool {
  const names = categoriesOf(pool, categories).map(({ name }) => name.trim());
  return { name: pool.name.trim(), capacity: Number(pool.capacity), categories: names };
}

/** A pool of an edited event, with its categories by id, or by name if they are new. */
export function toEditedPool(pool: PoolValues, categories: Categories): EditedPool {
  const shared = categoriesOf(pool, categories).map(({ id, name }) => id ?? name.trim());
  return { ...(pool.id === null ? {} : { id: pool.id }), ...toNewPool(pool, categories), categories: shared };
}
