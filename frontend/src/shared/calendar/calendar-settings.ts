import type { DatesProviderSettings, DayOfWeek } from "@mantine/dates";
import dayjs from "dayjs";

const NAME = "of the browser";

/**
 * The names of months and days and the first day of the week in a language (default: the browser's). The
 * browser knows all languages; dayjs would have to load each.
 */
export function makeCalendarSettings(language?: string): DatesProviderSettings {
  const { locale } = new Intl.DateTimeFormat(language).resolvedOptions();
  const names = (part: Intl.DateTimeFormatOptions, dates: readonly Date[]) => {
    const format = new Intl.DateTimeFormat(locale, { ...part, timeZone: "UTC", calendar: "gregory" });
    return dates.map((date) => format.format(date));
  };
  const months = Array.from({ length: 12 }, (_, month) => new Date(Date.UTC(2023, month, 1)));
  const days = Array.from({ length: 7 }, (_, day) => new Date(Date.UTC(2023, 0, 1 + day))); // from a Sunday
  const short = names({ weekday: "short" }, days);
  const calendar = {
    name: NAME,
    months: names({ month: "long" }, months),
    monthsShort: names({ month: "short" }, months),
    weekdays: names({ weekday: "long" }, days),
    weekdaysShort: short,
    weekdaysMin: short.map((name) => name.replace(/\.$/, "")),
    ordinal: String,
    formats: {},
    relativeTime: {},
  };
  return { locale: dayjs.locale(calendar, undefined, true), firstDayOfWeek: firstDay(locale), weekendDays: [] }; // a weekend would be red, which is too faint to read
}

interface WeekInfo {
  /** From 1, a Monday. */
  firstDay: number;
}

/** Monday, which is ISO's, where the browser does not know. */
function firstDay(locale: string): DayOfWeek {
  // A function by the standard; browsers had it as a property before that.
  const about = new Intl.Locale(locale) as Intl.Locale & { getWeekInfo?: () => WeekInfo; weekInfo?: WeekInfo };
  const week = about.getWeekInfo?.() ?? about.weekInfo;
  return ((week?.firstDay ?? 1) % 7) as DayOfWeek;
}
