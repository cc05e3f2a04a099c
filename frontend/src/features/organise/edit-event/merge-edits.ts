import { withOpenDate, sameCategory, type CategoryValues, type EventValues } from "../event-form/event-values";

/** A field that somebody else changed, as all three have it. Of a category the whole of it; undefined: there is none. */
export type Difference =
  | { path: ScalarName; isContested: boolean; before: string; theirs: string; mine: string }
  | {
      path: `category ${string}`;
      isContested: boolean;
      before: CategoryValues | undefined;
      theirs: CategoryValues | undefined;
      mine: CategoryValues | undefined;
    };

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
] as const;
export type ScalarName = (typeof SCALARS)[number];

/**
 * What somebody else changed since `base`, from which `mine` began. Contested is what I changed too, to something else; what only I
 * changed is nobody's question.
 */
export function findDifferences(base: EventValues, theirs: EventValues, mine: EventValues): Difference[] {
  const scalars = SCALARS.flatMap((path): Difference[] => {
    const [before, saved, own] = [String(base[path] ?? ""), String(theirs[path] ?? ""), String(mine[path] ?? "")];
    if (saved === before || saved === own) return [];
    return [{ path, before, theirs: saved, mine: own, isContested: own !== before }];
  });
  return [...scalars, ...categoryDifferences(base.categories, theirs.categories, mine.categories)];
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

/** What is contested is mine until somebody says otherwise; what I did not touch is theirs. */
export function defaultSides(found: readonly Difference[]): Record<string, Side> {
  return Object.fromEntries(found.map(({ path, isContested }) => [path, isContested ? "mine" : "theirs"]));
}

/** My values, with theirs wherever that was chosen. Categories that they have come in their order, mine after them. */
export function mergeEdits(
  theirs: EventValues,
  mine: EventValues,
  found: readonly Difference[],
  chosen: Readonly<Record<string, Side>>,
): EventValues {
  const taken = found.filter(({ path }) => chosen[path] === "theirs");
  const names = SCALARS.filter((name) => taken.some(({ path }) => path === name));
  const scalars = Object.fromEntries(names.map((name) => [name, theirs[name]])) as Partial<EventValues>;
  const categories = mergedCategories(theirs.categories, mine.categories, taken);
  const values: EventValues = { ...mine, ...scalars, date: "set", categories };
  return values.starts_at === null ? withOpenDate(values) : values;
}

function mergedCategories(theirs: Categories, mine: Categories, taken: readonly Difference[]): CategoryValues[] {
  const isTheirs = (key: string) => taken.some(({ path }) => path === `category ${key}`);
  const pick = (list: Categories, key: string) => list.find((category) => category.key === key);
  const keys = [...new Set([...theirs, ...mine].map(({ key }) => key))];
  return keys.flatMap((key) => {
    const found = isTheirs(key) ? pick(theirs, key) : pick(mine, key);
    if (found === undefined) return [];
    // One that they removed and I keep is a new one to the server.
    return [pick(theirs, key) === undefined ? { ...found, id: null } : found];
  });
}
