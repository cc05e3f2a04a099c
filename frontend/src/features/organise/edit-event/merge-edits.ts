import { withOpenDate, sameCategory, type CategoryValues, type EventValues } from "../event-form/event-values";
import { samePools, type Pooled } from "../event-form/pool-values";

/**
 * A field that was changed by someone else, in all three versions. A category counts as one field; undefined: no category. All pools
 * are one field, since a category is in one of them at most.
 */
export type Difference =
  | { path: ScalarName; isContested: boolean; before: string; theirs: string; mine: string }
  | {
      path: `category ${string}`;
      isContested: boolean;
      before: CategoryValues | undefined;
      theirs: CategoryValues | undefined;
      mine: CategoryValues | undefined;
    }
  | { path: "pools"; isContested: boolean; before: Pooled; theirs: Pooled; mine: Pooled };

export type Side = "mine" | "theirs";

/** In the order in which they are shown. */
export const SCALARS = [
  "name",
  "venue",
  "description",
  "timezone",
  "starts_at",
  "show_at",
  "ends_at",
  "sales_open_at",
  "sales_close_at",
  "max_tickets_per_customer",
  "hold_minutes",
  "guest_checkout",
  "payment",
] as const;
export type ScalarName = (typeof SCALARS)[number];

/**
 * The fields that someone else changed since `base`, from which `mine` started. A field is contested if both sides changed it
 * to different values. Fields that only this user changed are left out.
 */
export function findDifferences(base: EventValues, theirs: EventValues, mine: EventValues): Difference[] {
  const scalars = SCALARS.flatMap((path): Difference[] => {
    const [before, saved, own] = [String(base[path] ?? ""), String(theirs[path] ?? ""), String(mine[path] ?? "")];
    if (saved === before || saved === own) return [];
    return [{ path, before, theirs: saved, mine: own, isContested: own !== before }];
  });
  const categories = categoryDifferences(base.categories, theirs.categories, mine.categories);
  return [...scalars, ...categories, ...poolDifferences(base, theirs, mine)];
}

function poolDifferences(base: EventValues, theirs: EventValues, mine: EventValues): Difference[] {
  if (samePools(theirs, base) || samePools(theirs, mine)) return [];
  return [{ path: "pools", before: base, theirs, mine, isContested: !samePools(mine, base) }];
}

type Categories = readonly CategoryValues[];

function categoryDifferences(base: Categories, theirs: Categories, mine: Categories): Difference[] {
  const keys = new Set([...theirs, ...base].map(({ key }) => key));
  return [...keys].flatMap((key): Difference[] => {
    const [before, saved, own] = [base, theirs, mine].map((list) => list.find((category) => category.key === key));
    if (sameCategory(saved, before) || sameCategory(saved, own)) return [];
    const isContested = !sameCategory(own, before);
    return [{ path: `category ${key}`, before, theirs: saved, mine: own, isContested }];
  });
}

/** The default version of each field: `mine` if contested, otherwise `theirs`. */
export function defaultSides(differences: readonly Difference[]): Record<string, Side> {
  return Object.fromEntries(differences.map(({ path, isContested }) => [path, isContested ? "mine" : "theirs"]));
}

/** `mine`, with `theirs` for the fields where that is chosen. Their categories keep their order and come first. */
export function mergeEdits(
  theirs: EventValues,
  mine: EventValues,
  differences: readonly Difference[],
  chosen: Readonly<Record<string, Side>>,
): EventValues {
  const taken = differences.filter(({ path }) => chosen[path] === "theirs");
  const names = SCALARS.filter((name) => taken.some(({ path }) => path === name));
  const scalars = Object.fromEntries(names.map((name) => [name, theirs[name]])) as Partial<EventValues>;
  const categories = mergedCategories(theirs.categories, mine.categories, taken);
  const pools = taken.some(({ path }) => path === "pools") ? theirs.pools : mergedPools(theirs, mine);
  const values: EventValues = { ...mine, ...scalars, date: "set", categories, pools };
  return values.starts_at === null ? withOpenDate(values) : values;
}

/** The pools of `mine`. One that they removed is new to the server. */
function mergedPools(theirs: EventValues, mine: EventValues): EventValues["pools"] {
  return mine.pools.map((pool) => (theirs.pools.some(({ key }) => key === pool.key) ? pool : { ...pool, id: null }));
}

function mergedCategories(theirs: Categories, mine: Categories, taken: readonly Difference[]): CategoryValues[] {
  const isTheirs = (key: string) => taken.some(({ path }) => path === `category ${key}`);
  const pick = (list: Categories, key: string) => list.find((category) => category.key === key);
  const keys = [...new Set([...theirs, ...mine].map(({ key }) => key))];
  return keys.flatMap((key) => {
    const category = isTheirs(key) ? pick(theirs, key) : pick(mine, key);
    if (category === undefined) return [];
    // A category that they removed and this user keeps is new to the server.
    return [pick(theirs, key) === undefined ? { ...category, id: null } : category];
  });
}
