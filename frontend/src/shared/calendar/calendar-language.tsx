import { DatesProvider } from "@mantine/dates";
import type { ReactNode } from "react";

import { makeCalendarSettings } from "./calendar-settings";

const settings = makeCalendarSettings();

/** Around each calendar: its months and days are called as the browser's language does. */
export function CalendarLanguage({ children }: { children: ReactNode }) {
  return <DatesProvider settings={settings}>{children}</DatesProvider>;
}
