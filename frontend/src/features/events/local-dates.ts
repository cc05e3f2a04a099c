import { getKnownTimeZone } from "@/shared/time/known-time-zone";

const DAY_MILLISECONDS = 24 * 3_600_000;
/** The extreme offsets from UTC: UTC+14 is Kiritimati, UTC-12 Baker Island. */
const FURTHEST_EAST_MILLISECONDS = 14 * 3_600_000;
const FURTHEST_WEST_MILLISECONDS = 12 * 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** The date in that time zone: `2026-11-21`. */
export function localDate(instant: string | number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone: getKnownTimeZone(timeZone),
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
    formats.set(timeZone, format);
  }
  return format.format(new Date(instant));
}

/** The instants (RFC 3339) between which one of these dates is current in some time zone. */
export function datesAnywhere(first: string, last: string): { from: string; to: string } {
  return {
    from: new Date(Date.parse(first) - FURTHEST_EAST_MILLISECONDS).toISOString(),
    to: new Date(Date.parse(last) + DAY_MILLISECONDS - 1 + FURTHEST_WEST_MILLISECONDS).toISOString(),
  };
}

/** The earliest current date in any time zone: no future event has an earlier date. */
export function earliestToday(now: number): string {
  return localDate(now - FURTHEST_WEST_MILLISECONDS, "UTC");
}
