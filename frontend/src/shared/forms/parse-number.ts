import { decimalsOf } from "@/shared/formatting/money";

/** Why a text was not parsed as a number. `ambiguous`: `1,234` is 1234 or 1.234. */
export type NumberProblem = "empty" | "negative" | "ambiguous" | "decimals" | "other-currency" | "unreadable";

/** `value` as the API writes it: `1234.50`. */
export type ParsedNumber = { value: string; problem: null } | { value: null; problem: NumberProblem };

const SIGN = /^[-−–]/;
const UNITS = /^(?<before>[\p{L}\p{Sc}]+(?:\.(?=\s))?)?\s*(?<number>[^\p{L}\p{Sc}]*?)\s*(?<after>[\p{L}\p{Sc}]+\.?)?$/u;
const WHOLE = /^(?:\d+|\d{1,3}(?<mark>[.,' ])\d{3}(?:\k<mark>\d{3})*)$/;

/**
 * Parses an amount in the notation of any country: `12,50`, `1.234,50`, `€ 1'234.50`, `1234.50 EUR`. Never guesses: an
 * ambiguous amount, or one of another currency, is a problem.
 */
export function parsePrice(typed: string, currency: string): ParsedNumber {
  const text = normalised(typed);
  const parts = UNITS.exec(text.replace(SIGN, "").trim())?.groups;
  const { before = "", number = "", after = "" } = parts ?? {};
  if (text !== "" && number === "") return refused("unreadable");
  const known = namesOf(currency);
  const units = [before, after].filter((unit) => unit !== "").map(unitName);
  if (units.some((unit) => !known.has(unit))) return refused("other-currency");
  return parseNumber((SIGN.exec(text)?.[0] ?? "") + number, decimalsOf(currency));
}

/** Parses a non-negative number with at most that many decimals. Thousands may be separated by a space, `'`, `.` or `,`. */
export function parseNumber(typed: string, decimals: number): ParsedNumber {
  const text = normalised(typed);
  if (text === "") return refused("empty");
  if (SIGN.test(text)) return refused(/\d/.test(text) ? "negative" : "unreadable");
  const marks = text.replace(/[\d' ]/g, "");
  const mark = decimalMarkOf(marks);
  const markIndex = mark === null ? text.length : text.lastIndexOf(mark);
  const [whole, fraction] = [text.slice(0, markIndex), text.slice(markIndex + 1)];
  if (!WHOLE.test(whole) && !(whole === "" && fraction !== "")) return refused("unreadable");
  if (!/^\d*$/.test(fraction)) return refused("unreadable");
  if (marks.length === 1 && fraction.length === 3 && /^[1-9]\d{0,2}$/.test(whole)) {
    if (decimals === 0) return accepted(whole + fraction, "");
    if (decimals < 3 || mark === ",") return refused("ambiguous");
  }
  if (fraction.replace(/0+$/, "").length > decimals) return refused("decimals");
  return accepted(whole, fraction.slice(0, decimals));
}

/** The decimal separator among all `.` and `,` of a number; null if all of them separate thousands. */
function decimalMarkOf(marks: string): string | null {
  const last = marks.at(-1);
  return last !== undefined && marks.indexOf(last) === marks.length - 1 ? last : null;
}

/** Replaces full-width characters, spaces and apostrophes of all kinds by plain ones. */
function normalised(typed: string): string {
  return typed.normalize("NFKC").replace(/\s+/gu, " ").replace(/[’ʼ]/gu, "'").trim();
}

/** The names of a currency: its code, symbols and name, in English and in the browser's language. */
function namesOf(currency: string): Set<string> {
  const names = new Set([unitName(currency)]);
  if (!/^[A-Z]{3}$/.test(currency)) return names;
  for (const locale of ["en", "en-CA", undefined])
    // a US dollar is "$" in the first, "US$" in the second
    for (const currencyDisplay of ["symbol", "narrowSymbol", "name"] as const)
      for (const amount of [1, 2]) {
        const parts = new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay }).formatToParts(
          amount,
        );
        names.add(unitName(parts.find(({ type }) => type === "currency")?.value ?? ""));
      }
  return names;
}

const unitName = (unit: string) => normalised(unit).replace(/\.$/, "").toUpperCase();

function accepted(whole: string, fraction: string): ParsedNumber {
  const digits = whole.replace(/\D/g, "").replace(/^0+(?=\d)/, "");
  return { value: (digits === "" ? "0" : digits) + (fraction === "" ? "" : `.${fraction}`), problem: null };
}

function refused(problem: NumberProblem): ParsedNumber {
  return { value: null, problem };
}
