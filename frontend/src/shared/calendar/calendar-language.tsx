import { DatesProvider } from "@mantine/dates";
import type { ReactNode } from "react";

import { makeCalendarSettings } from "./calendar-settings";

const settings = makeCalendarSettings();

/** Wraps each calendar: names of months and days in the browser's language. */
export function CalendarLanguage({ children }: { children: ReactNode }) {
  return <DatesProvider settings={settings}>{children}</DatesProvider>;
}
