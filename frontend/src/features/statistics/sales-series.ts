import type { Interval, Sales } from "@/shared/api/generated/model";
import { sumAmounts } from "@/shared/formatting/amounts";

/** More points than this make no better picture. */
export const MOST_POINTS = 1_500;

export interface Totals {
  gross: string;
  refunded: string;
  net: string;
  bookings: number;
  cancellations: number;
  tickets: number;
  ticketsCancelled: number;
}

/** Of sales in one currency: exact, whatever their number. */
export function sumTotals(sales: readonly Sales[]): Totals {
  const add = (name: "bookings" | "cancellations" | "tickets" | "tickets_cancelled") =>
    sales.reduce((all, sale) => all + sale[name], 0);
  return {
    gross: sumAmounts(sales.map(({ gross }) => gross)),
    refunded: sumAmounts(sales.map(({ refunded }) => refunded)),
    net: sumAmounts(sales.map(({ net }) => net)),
    bookings: add("bookings"),
    cancellations: add("cancellations"),
    tickets: add("tickets"),
    ticketsCancelled: add("tickets_cancelled"),
  };
}

/** Currencies in the order in which they first sold. */
export function listCurrencies(sales: readonly Sales[]): string[] {
  return [...new Set(sales.map(({ currency }) => currency))];
}

/** What is drawn: amounts as numbers, good enough for a picture. */
export interface Point {
  start: string;
  gross: number;
  refunded: number;
  net: number;
}

/**
 * One point an interval, those without sales among them as 0: a quiet week is to be seen. Of one currency, oldest first, as the API
 * answers. With more than MOST_POINTS only those that sold.
 */
export function toPoints(sales: readonly Sales[], interval: Interval): Point[] {
  const known = sales.map(({ start, gross, refunded, net }) => ({
    start,
    gross: Number(gross),
    refunded: Number(refunded),
    net: Number(net),
  }));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return [];
  const filled = new Map(known.map((point) => [Date.parse(point.start), point]));
  const all: Point[] = [];
  for (let at = Date.parse(first.start); at <= Date.parse(last.start); at = next(at, interval)) {
    if (all.length === MOST_POINTS) return known;
    all.push(filled.get(at) ?? { start: new Date(at).toISOString(), gross: 0, refunded: 0, net: 0 });
  }
  return all;
}

/** When the interval after the one that starts at `at` starts: milliseconds, in UTC. */
function next(at: number, interval: Interval): number {
  const date = new Date(at);
  if (interval === "hour") date.setUTCHours(date.getUTCHours() + 1);
  else if (interval === "day") date.setUTCDate(date.getUTCDate() + 1);
  else date.setUTCMonth(date.getUTCMonth() + 1);
  return date.getTime();
}

const formats: Record<Interval, Intl.DateTimeFormat> = {
  hour: new Intl.DateTimeFormat(undefined, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "UTC",
  }),
  day: new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }),
  month: new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" }),
};

/** `21 Nov 2026`: the interval that starts then, in UTC. */
export function formatInterval(start: string, interval: Interval): string {
  return formats[interval].format(new Date(start));
}

/** `42 %`, of `part` in `whole`; of nothing it is 0. */
export function formatShare(part: number, whole: number): string {
  return new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 }).format(
    whole === 0 ? 0 : part / whole,
  );
}

/** What one is of so many, rounded to the currency's own decimals. */
export function calculateAverage(amount: string, parts: number): string {
  const decimals = amount.split(".")[1]?.length ?? 0;
  return (parts === 0 ? 0 : Number(amount) / parts).toFixed(decimals);
}
