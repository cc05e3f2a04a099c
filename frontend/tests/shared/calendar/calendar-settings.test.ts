import dayjs from "dayjs";
import { expect, it } from "vitest";

import { makeCalendarSettings } from "@/shared/calendar/calendar-settings";

it.each([
  ["en-US", "January 2031", "Wed Thu", 0],
  ["en-GB", "January 2031", "Wed Thu", 1],
  ["de", "Januar 2031", "Mi Do", 1],
  ["fr", "janvier 2031", "mer jeu", 1],
  ["cs", "leden 2031", "st čt", 1],
])(
  "the calendar in %s has that language's names of months and days, and its first day of the week",
  (language, month, days, firstDayOfWeek) => {
    const { locale = "", firstDayOfWeek: first } = makeCalendarSettings(language);
    const at = dayjs("2031-01-01").locale(locale); // a Wednesday
    expect(at.format("MMMM YYYY")).toBe(month);
    expect(`${at.format("dd")} ${at.add(1, "day").format("dd")}`).toBe(days);
    expect(first).toBe(firstDayOfWeek);
  },
);

it("other settings of dayjs are unchanged", () => {
  makeCalendarSettings("de");
  expect(dayjs("2031-01-01").format("MMMM dddd")).toBe("January Wednesday");
});
