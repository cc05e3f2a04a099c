import "@mantine/dates/styles.css";

import { DateTimePicker, type DateTimePickerProps } from "@mantine/dates";

import { CalendarLanguage } from "@/shared/calendar/calendar-language";
import { wallTime } from "@/shared/formatting/wall-times";
import { choosing as text } from "@/shared/strings/choosing";

const is12Hours = () => Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12 ?? false;

/** A day and a time of day, as the clocks of some place show it; of which place the label or its surroundings say. */
export function MomentField(props: DateTimePickerProps) {
  return (
    <CalendarLanguage>
      <DateTimePicker
        highlightToday
        valueFormat={wallTime}
        ariaLabels={text.calendar}
        clearButtonProps={{ "aria-label": text.clear }}
        submitButtonProps={{ "aria-label": text.take }}
        timePickerProps={{
          format: is12Hours() ? "12h" : "24h",
          hoursInputLabel: text.hours,
          minutesInputLabel: text.minutes,
          amPmInputLabel: text.amPm,
        }}
        popoverProps={{ withinPortal: true }}
        {...props}
      />
    </CalendarLanguage>
  );
}
