import type { Interval, Sales } from "@/shared/api/generated/model";
import { sumAmounts } from "@/shared/formatting/amounts";

/** More points do not improve the chart. */
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

/** The exact totals of sales in one currency. */
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

/** A point of the chart: amounts as numbers, exact enough for drawing. */
export interface Point {
  start: string;
  gross: number;
  refunded: number;
  net: number;
}

/**
 * One point per interval, with 0 for intervals without sales. `sales` are of one currency, oldest first, as the API
 * returns them. With more than MOST_POINTS, only intervals with sales.
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

/** The start of the interval after `at`: milliseconds, in UTC. */
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

/** `42 %`: the share of `part` in `whole`; 0 of 0. */
export function formatShare(part: number, whole: number): string {
  return new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 }).format(
    whole === 0 ? 0 : part / whole,
  );
}

/** The average of `amount` over `parts`, rounded to the currency's decimals. */
export function calculateAverage(amount: string, parts: number): string {
  const decimals = amount.split(".")[1]?.length ?? 0;
  return (parts === 0 ? 0 : Number(amount) / parts).toFixed(decimals);
}
