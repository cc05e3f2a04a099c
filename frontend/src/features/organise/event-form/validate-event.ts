import { decimalsOf } from "@/shared/formatting/money";
import { parseNumber, parsePrice } from "@/shared/forms/parse-number";
import { toInstant } from "@/shared/time/wall-clock";

import { normaliseNumber, type CategoryValues, type EventValues, type TimeName } from "./event-values";
import { categoriesOf } from "./pool-values";
import { eventFormText } from "./strings";

// The bounds of the API's own document.
const NAME_LENGTH = 200;
const DESCRIPTION_LENGTH = 10_000;
const MOST_SEATS = 1_000_000;
const MOST_HOLD_MINUTES = 120;
const MOST_CATEGORIES = 50;
export const MOST_POOLS = 20;
const HIGHEST_PRICE = 9_999_999_999;

const text = eventFormText.checks;

export type FieldErrors = Record<string, string>;

export interface ValidationContext {
  /** Milliseconds. */
  now: number;
  /** The saved event, when editing: an event that has started may keep its start. */
  base: EventValues | null;
  /** Seats taken, by the id of the category. */
  taken: Readonly<Record<string, number>>;
}

/**
 * Errors by the path of the field, as the API names it (`categories.0.price`). The rules are the API's, which has
 * the last word; here they are checked while typing.
 */
export function validateEvent(values: EventValues, context: ValidationContext): FieldErrors {
  const errors: FieldErrors = {
    ...checkTexts(values),
    ...checkTimes(values, context),
    ...checkCategories(values, context),
    ...checkPools(values, context),
  };
  const limit = values.max_tickets_per_customer;
  if (limit !== "" && !isWhole(limit, MOST_SEATS)) errors.max_tickets_per_customer = text.limit(MOST_SEATS);
  if (!isWhole(values.hold_minutes, MOST_HOLD_MINUTES)) errors.hold_minutes = text.holdMinutes(MOST_HOLD_MINUTES);
  if (values.payment?.length === 0) errors.payment = text.paymentMethods;
  return errors;
}

function checkTexts({ name, venue, description, timezone }: EventValues): FieldErrors {
  const errors: FieldErrors = {};
  if (name.trim() === "") errors.name = text.required;
  else if (name.length > NAME_LENGTH) errors.name = text.tooLong(NAME_LENGTH);
  if (venue.length > NAME_LENGTH) errors.venue = text.tooLong(NAME_LENGTH);
  if (description.length > DESCRIPTION_LENGTH) errors.description = text.tooLong(DESCRIPTION_LENGTH);
  if (timezone === "") errors.timezone = text.required;
  return errors;
}

function checkTimes(values: EventValues, { now, base }: ValidationContext): FieldErrors {
  const errors: FieldErrors = {};
  if (values.timezone === "") return errors;
  const at = (name: TimeName) => milliseconds(values[name], values.timezone);
  const [opens, closes] = [at("sales_open_at"), at("sales_close_at")];
  if (opens !== null && closes !== null && closes <= opens) errors.sales_close_at = text.afterOpening;
  if (values.date === "open") return errors;
  const [starts, shows, ends] = [at("starts_at"), at("show_at"), at("ends_at")];
  const isMoved = base === null || values.starts_at !== base.starts_at || values.timezone !== base.timezone;
  if (starts === null) return { ...errors, starts_at: text.required };
  if (isMoved && Math.max(starts, closes ?? starts) <= now) errors.starts_at = text.future;
  if (ends !== null && ends <= starts) errors.ends_at = text.afterStart;
  // The API has no such rule, since events of the other APIs may break it: it is checked only for changes made here.
  const isNewShow = isMoved || values.show_at !== base.show_at;
  if (isNewShow && shows !== null && shows < starts) errors.show_at = text.notBeforeStart;
  return errors;
}

/** Whether sales close after the start, as entered. */
export function sellsAfterStart({ date, starts_at, sales_close_at, timezone }: EventValues): boolean {
  if (date === "open" || timezone === "") return false;
  const [starts, closes] = [milliseconds(starts_at, timezone), milliseconds(sales_close_at, timezone)];
  return starts !== null && closes !== null && closes > starts;
}

function checkCategories({ categories, currency }: EventValues, { taken }: ValidationContext): FieldErrors {
  const errors: FieldErrors = {};
  if (categories.length < 1 || categories.length > MOST_CATEGORIES)
    errors.categories = text.categories(MOST_CATEGORIES);
  const names = categories.map(({ name }) => name.trim());
  categories.forEach((category, index) => {
    const path = `categories.${index}`;
    const name = names[index] ?? "";
    if (name === "") errors[`${path}.name`] = text.required;
    else if (name.length > NAME_LENGTH) errors[`${path}.name`] = text.tooLong(NAME_LENGTH);
    else if (names.indexOf(name) < index) errors[`${path}.name`] = text.unique;
    const price = checkPrice(category, currency);
    if (price !== null) errors[`${path}.price`] = price;
    const seats = category.id === null ? 0 : (taken[category.id] ?? 0);
    if (!isWhole(category.capacity, MOST_SEATS)) errors[`${path}.capacity`] = text.capacity(MOST_SEATS);
    else if (Number(normaliseNumber(category.capacity)) < seats) errors[`${path}.capacity`] = text.belowTaken(seats);
  });
  return errors;
}

function checkPools({ pools, categories }: EventValues, { base, taken }: ValidationContext): FieldErrors {
  const errors: FieldErrors = pools.length > MOST_POOLS ? { pools: text.pools(MOST_POOLS) } : {};
  const names = pools.map(({ name }) => name.trim().toLowerCase());
  pools.forEach((pool, index) => {
    const path = `pools.${index}`;
    const shared = categoriesOf(pool, categories);
    const seats = seatsTaken(shared, taken);
    const wasEmpty =
      base?.pools.some(({ key, categories: before }) => key === pool.key && before.length === 0) ?? false;
    if (names[index] === "") errors[`${path}.name`] = text.required;
    else if (pool.name.trim().length > NAME_LENGTH) errors[`${path}.name`] = text.tooLong(NAME_LENGTH);
    else if (names.indexOf(names[index] ?? "") < index) errors[`${path}.name`] = text.uniquePool;
    if (!isWhole(pool.capacity, MOST_SEATS)) errors[`${path}.capacity`] = text.capacity(MOST_SEATS);
    else if (Number(normaliseNumber(pool.capacity)) < seats) errors[`${path}.capacity`] = text.belowTaken(seats);
    if (shared.length === 0 && !wasEmpty) errors[`${path}.categories`] = text.noCategories;
  });
  return errors;
}

/** The seats of these categories that are taken. */
export function seatsTaken(categories: readonly CategoryValues[], taken: ValidationContext["taken"]): number {
  return categories.reduce((sum, { id }) => sum + (id === null ? 0 : (taken[id] ?? 0)), 0);
}

function checkPrice({ price }: CategoryValues, currency: string): string | null {
  const { value, problem } = parsePrice(String(price), currency);
  if (value !== null) return Number(value) > HIGHEST_PRICE ? text.tooDear : null;
  if (problem === "negative") return text.negativePrice;
  if (problem === "ambiguous") return text.ambiguousPrice;
  return problem === "other-currency" ? text.otherCurrency(currency) : text.price(decimalsOf(currency));
}

function isWhole(typed: string | number, most: number): boolean {
  const { value } = parseNumber(String(typed), 0);
  return value !== null && Number(value) >= 1 && Number(value) <= most;
}

function milliseconds(wall: string | null, timeZone: string): number | null {
  return wall === null || wall === "" ? null : Date.parse(toInstant(wall, timeZone));
}
