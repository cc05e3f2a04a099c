import dayjs from "dayjs";
import timezone from "dayjs/plugin/timezone";
import utc from "dayjs/plugin/utc";

import { getKnownTimeZone } from "./known-time-zone";

dayjs.extend(utc);
dayjs.extend(timezone);

/** Wall-clock time, as `@mantine/dates` writes it: `2026-11-21 20:00:00`. */
const FORMAT = "YYYY-MM-DD HH:mm:ss";

export function toWallClock(instant: string, timeZone: string): string {
  return dayjs(instant).tz(getKnownTimeZone(timeZone)).format(FORMAT);
}

/** The instant (RFC 3339, UTC) of a wall-clock time in that zone. */
export function toInstant(wall: string, timeZone: string): string {
  return dayjs.tz(wall, getKnownTimeZone(timeZone)).toISOString();
}

/** Every IANA time zone that the browser knows, UTC among them. */
export function listTimeZones(): string[] {
  return [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])].toSorted();
}

export function getBrowserTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
