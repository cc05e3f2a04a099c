import type { CodeEffect, Event, NewCodes } from "@/shared/api/generated/model";
import { decimalsOf } from "@/shared/formatting/money";
import { parseNumber, parsePrice } from "@/shared/forms/parse-number";
import { toInstant } from "@/shared/time/wall-clock";

import { codesText } from "./strings";

// The bounds of the API's own document.
export const MOST_CODES = 10_000;
export const MOST_TICKETS = 1_000_000;
export const CODE_LENGTH = { least: 4, most: 32 };
export const PREFIX_LENGTH = { least: 2, most: 16 };
const PERCENT_DECIMALS = 2;
const HIGHEST_AMOUNT = 9_999_999_999;

const LETTERS = /^[a-z\d](?:[a-z\d-]*[a-z\d])?$/i;
const text = codesText.checks;

/** Promo codes as entered, by the API's names. Times are wall-clock times at the venue. */
export interface CodeValues {
  effect: CodeEffect;
  value: string;
  /** Their ids; none: all. */
  categories: string[];
  kind: "word" | "many";
  code: string;
  count: string;
  prefix: string;
  max_tickets: string;
  valid_from: string | null;
  valid_until: string | null;
}

export const EMPTY: CodeValues = {
  effect: "percent",
  value: "",
  categories: [],
  kind: "word",
  code: "",
  count: "",
  prefix: "",
  max_tickets: "",
  valid_from: null,
  valid_until: null,
};

/** Errors by the path of the field, as the API names it. The rules are the API's, which has the last word. `now`: milliseconds. */
export function validateCodes(values: CodeValues, event: Event, now: number): Record<string, string> {
  const errors: Record<string, string | null> = {
    value: checkValue(values, event.currency),
    max_tickets: isWhole(values.max_tickets, MOST_TICKETS) ? null : text.whole(MOST_TICKETS),
    valid_until: checkEnd(values, event.timezone, now),
  };
  if (values.kind === "word") errors.code = checkLetters(values.code, CODE_LENGTH);
  else {
    errors.count = isWhole(values.count, MOST_CODES) ? null : text.whole(MOST_CODES);
    errors.prefix = values.prefix.trim() === "" ? null : checkLetters(values.prefix, PREFIX_LENGTH);
  }
  const found = Object.entries(errors).filter((error): error is [string, string] => error[1] !== null);
  return Object.fromEntries(found);
}

function checkValue({ effect, value }: CodeValues, currency: string): string | null {
  if (effect === "access") return null;
  if (effect === "percent") {
    const percent = Number(parseNumber(value.replace("%", ""), PERCENT_DECIMALS).value ?? NaN);
    return percent > 0 && percent <= 100 ? null : text.percent;
  }
  const { value: amount, problem } = parsePrice(value, currency);
  if (problem === "ambiguous") return text.ambiguous;
  if (problem === "other-currency") return text.otherCurrency(currency);
  if (amount === null || Number(amount) === 0) return decimalsOf(currency) === 0 ? text.wholeAmount : text.amount;
  return Number(amount) > HIGHEST_AMOUNT ? text.tooDear : null;
}

function checkLetters(typed: string, { least, most }: { least: number; most: number }): string | null {
  const { length } = typed.trim();
  return LETTERS.test(typed.trim()) && length >= least && length <= most ? null : text.letters(least, most);
}

function checkEnd({ valid_from, valid_until }: CodeValues, timeZone: string, now: number): string | null {
  const [from, until] = [instantOf(valid_from, timeZone), instantOf(valid_until, timeZone)];
  if (until === null) return null;
  if (Date.parse(until) <= now) return text.future;
  return from !== null && Date.parse(until) <= Date.parse(from) ? text.afterFrom : null;
}

function isWhole(typed: string, most: number): boolean {
  const { value } = parseNumber(typed, 0);
  return value !== null && Number(value) >= 1 && Number(value) <= most;
}

/** The request that makes them. `values` must be valid. */
export function toNewCodes(values: CodeValues, { currency, timezone }: Event): NewCodes {
  const { effect, kind } = values;
  const value =
    effect === "percent"
      ? parseNumber(values.value.replace("%", ""), PERCENT_DECIMALS).value
      : parsePrice(values.value, currency).value;
  const [from, until] = [instantOf(values.valid_from, timezone), instantOf(values.valid_until, timezone)];
  return {
    effect,
    ...(effect === "access" ? {} : { value }),
    max_tickets: numberOf(values.max_tickets),
    categories: values.categories,
    ...(kind === "word" ? { code: values.code.trim() } : { count: numberOf(values.count) }),
    ...(kind === "many" && values.prefix.trim() !== "" ? { prefix: values.prefix.trim() } : {}),
    ...(from === null ? {} : { valid_from: from }),
    ...(until === null ? {} : { valid_until: until }),
  };
}

const numberOf = (typed: string) => Number(parseNumber(typed, 0).value);

function instantOf(wall: string | null, timeZone: string): string | null {
  return wall === null || wall === "" ? null : toInstant(wall, timeZone);
}
