/**
 * Times of an event are in its own time zone, which is named, and in the browser's language. In UTC, which is named, too, where
 * the browser does not know the time zone.
 */

import { dateTimesText } from "@/shared/strings/date-times";
import { getKnownTimeZone } from "@/shared/time/known-time-zone";

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format takes far longer than using it. */
function getFormat(
  name: string,
  timeZone: string | undefined,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${name} ${timeZone ?? ""}`;
  let found = formats.get(key);
  if (found === undefined) {
    const zone = timeZone === undefined ? undefined : getKnownTimeZone(timeZone);
    found = new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone });
    formats.set(key, found);
  }
  return found;
}

const DAY = { weekday: "short", day: "numeric", month: "short", year: "numeric" } as const;
const TIME = { hour: "2-digit", minute: "2-digit" } as const;

/** The parts of a calendar leaf: weekday, day, month, and the year. */
export function toDateParts(
  at: string,
  timeZone: string,
): { weekday: string; day: string; month: string; year: string } {
  const date = new Date(at);
  const part = (name: "weekday" | "day" | "month" | "year", style: "short" | "numeric") =>
    getFormat(name, timeZone, { [name]: style }).format(date);
  return {
    weekday: part("weekday", "short"),
    day: part("day", "numeric"),
    month: part("month", "short"),
    year: part("year", "numeric"),
  };
}

/** `20:00 CET` */
export function formatTime(at: string, timeZone: string): string {
  return getFormat("time", timeZone, { ...TIME, timeZoneName: "short" }).format(new Date(at));
}

/** `Mon, 21 Nov 2026, 20:00 CET` */
export function formatDateTime(at: string, timeZone: string): string {
  return getFormat("moment", timeZone, { ...DAY, ...TIME, timeZoneName: "short" }).format(new Date(at));
}

/** The start of an event, or "Open date". */
export function formatStart(at: string | null, timeZone: string): string {
  return at === null ? dateTimesText.openDate : formatDateTime(at, timeZone);
}

/** `Sat 28 Nov` */
export function formatDay(at: string, timeZone: string): string {
  return getFormat("day of", timeZone, { weekday: "short", day: "numeric", month: "short" }).format(new Date(at));
}

/** Start and end of an event, with one date if both are on the same day, and the time zone once; or "Open date". */
export function formatTimeRange(from: string | null, to: string | null, timeZone: string): string {
  if (from === null || to === null) return formatStart(from, timeZone);
  const range = getFormat("range", timeZone, { ...DAY, ...TIME }).formatRange(new Date(from), new Date(to));
  return `${range} ${formatZoneName(to, timeZone)}`;
}

/** `Doors 19:00, show 20:00`; with the days where these are not one. */
export function formatDoorsAndShow(doors: string, show: string, timeZone: string): string {
  const isOneDay = formatFullDay(doors, timeZone) === formatFullDay(show, timeZone);
  const say = isOneDay
    ? getFormat("time of day", timeZone, TIME)
    : getFormat("day and time", timeZone, { ...DAY, ...TIME });
  return dateTimesText.doorsAndShow(say.format(new Date(doors)), say.format(new Date(show)));
}

/** `Sat, 28 Nov 2026` */
export function formatFullDay(at: string, timeZone: string): string {
  return getFormat("full day", timeZone, DAY).format(new Date(at));
}

/** `CET`: the abbreviation of the time zone at that time. */
function formatZoneName(at: string, timeZone: string): string {
  const parts = getFormat("time", timeZone, { ...TIME, timeZoneName: "short" }).formatToParts(new Date(at));
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? timeZone;
}

/** `20:00`, in the browser's time zone. */
export function formatLocalTime(at: string): string {
  return getFormat("clock", undefined, TIME).format(new Date(at));
}

/** A date and time in the browser's time zone. */
export function formatLocalDateTime(at: string): string {
  return getFormat("since", undefined, { ...DAY, ...TIME }).format(new Date(at));
}

/** Calendar days (`2026-11-21`), from the first to the last. */
export function formatDayRange(first: string, last: string): string {
  const midday = (day: string) => new Date(`${day}T12:00:00`);
  return getFormat("days", undefined, { day: "numeric", month: "short", year: "numeric" }).formatRange(
    midday(first),
    midday(last),
  );
}
