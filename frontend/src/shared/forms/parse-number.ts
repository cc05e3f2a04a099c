import { decimalsOf } from "@/shared/formatting/money";

/** Why a text is not taken for a number. `ambiguous`: `1,234` is 1234 or 1.234. */
export type NumberProblem = "empty" | "negative" | "ambiguous" | "decimals" | "other-currency" | "unreadable";

/** `value` as the API writes it: `1234.50`. */
export type ParsedNumber = { value: string; problem: null } | { value: null; problem: NumberProblem };

const SIGN = /^[-−–]/;
const UNITS = /^(?<before>[\p{L}\p{Sc}]+(?:\.(?=\s))?)?\s*(?<number>[^\p{L}\p{Sc}]*?)\s*(?<after>[\p{L}\p{Sc}]+\.?)?$/u;
const WHOLE = /^(?:\d+|\d{1,3}(?<mark>[.,' ])\d{3}(?:\k<mark>\d{3})*)$/;

/**
 * Reads an amount as people of any country type or paste it: `12,50`, `1.234,50`, `€ 1'234.50`, `1234.50 EUR`. Never guesses: what
 * can be read in two ways, or is an amount of another currency, is a problem.
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

/** Reads a number that is not negative, with that many decimals at most. Thousands may be apart, by a space, `'`, `.` or `,`. */
export function parseNumber(typed: string, decimals: number): ParsedNumber {
  const text = normalised(typed);
  if (text === "") return refused("empty");
  if (SIGN.test(text)) return refused(/\d/.test(text) ? "negative" : "unreadable");
  const marks = text.replace(/[\d' ]/g, "");
  const mark = decimalMarkOf(marks);
  const place = mark === null ? text.length : text.lastIndexOf(mark);
  const [whole, fraction] = [text.slice(0, place), text.slice(place + 1)];
  if (!WHOLE.test(whole) && !(whole === "" && fraction !== "")) return refused("unreadable");
  if (!/^\d*$/.test(fraction)) return refused("unreadable");
  if (marks.length === 1 && fraction.length === 3 && /^[1-9]\d{0,2}$/.test(whole)) {
    if (decimals === 0) return accepted(whole + fraction, "");
    if (decimals < 3 || mark === ",") return refused("ambiguous");
  }
  if (fraction.replace(/0+$/, "").length > decimals) return refused("decimals");
  return accepted(whole, fraction.slice(0, decimals));
}

/** The one that stands for the decimal point, of all `.` and `,` of a number; null where all set thousands apart. */
function decimalMarkOf(marks: string): string | null {
  const last = marks.at(-1);
  return last !== undefined && marks.indexOf(last) === marks.length - 1 ? last : null;
}

/** Full-width digits and signs, and all kinds of spaces and apostrophes, as the plain ones. */
function normalised(typed: string): string {
  return typed.normalize("NFKC").replace(/\s+/gu, " ").replace(/[’ʼ]/gu, "'").trim();
}

/** What people call a currency: its code, its symbols and its name, in English and in the browser's language. */
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
