import type { CodeSales, Event } from "@/shared/api/generated/model";
import { formatDateTime, formatTimeRange } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";

import { codesText as text } from "./strings";

export type BatchState = "valid" | "not-yet" | "over" | "withdrawn";

/** `now`: milliseconds. */
export function stateOf({ withdrawn_at, valid_from, valid_until }: CodeSales, now: number): BatchState {
  if (withdrawn_at !== null) return "withdrawn";
  if (valid_until !== null && now >= Date.parse(valid_until)) return "over";
  return valid_from !== null && now < Date.parse(valid_from) ? "not-yet" : "valid";
}

/** The code, how the codes begin, or how many they are. */
export function nameBatch({ code, prefix, count }: CodeSales): string {
  return code ?? (prefix === "" ? text.codes(count) : text.prefix(prefix));
}

let percent: Intl.NumberFormat | undefined;

/** `12.5% off`, `€5.00 off`, `Access`. */
export function describeEffect({ effect, value, currency }: CodeSales): string {
  if (effect === "access") return text.effects.access;
  if (effect === "fixed") return text.effects.fixed(formatMoney(value, currency));
  percent ??= new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 2 });
  return text.effects.percent(percent.format(Number(value) / 100));
}

/** The names of its categories; none: all. */
export function categoriesOf({ categories }: CodeSales, event: Event): string[] {
  const removed = categories.filter((id) => event.categories.every((category) => category.id !== id));
  const names = event.categories.filter(({ id }) => categories.includes(id)).map(({ name }) => name);
  return [...names, ...removed.slice(0, 1).map(() => text.removedCategory)];
}

/** From when until when, in the time zone of the event. */
export function describeValidity({ valid_from, valid_until }: CodeSales, timeZone: string): string {
  if (valid_from !== null && valid_until !== null) return formatTimeRange(valid_from, valid_until, timeZone);
  if (valid_from !== null) return text.from(formatDateTime(valid_from, timeZone));
  return valid_until === null ? text.always : text.until(formatDateTime(valid_until, timeZone));
}
