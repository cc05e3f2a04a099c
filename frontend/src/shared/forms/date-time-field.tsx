import "@mantine/dates/styles.css";

import { useId } from "@mantine/hooks";
import { DateTimePicker, type DateTimePickerProps } from "@mantine/dates";

import { CalendarLanguage } from "@/shared/calendar/calendar-language";
import { formatWallTime } from "@/shared/formatting/wall-times";
import { formsText as text } from "@/shared/strings/forms";

const is12Hours = () => Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12 ?? false;

/** A wall-clock date and time. The label or its context names the time zone. */
export function DateTimeField(props: DateTimePickerProps) {
  const id = useId();
  return (
    <CalendarLanguage>
      <DateTimePicker
        id={id} // what the calendar is labelled by
        placeholder={text.moment}
        highlightToday
        hideOutsideDates // they are too faint to read
        valueFormat={formatWallTime}
        ariaLabels={text.calendar}
        clearButtonProps={{ "aria-label": text.clear }}
        submitButtonProps={{ "aria-label": text.take }}
        timePickerProps={{
          format: is12Hours() ? "12h" : "24h",
          hoursInputLabel: text.hours,
          minutesInputLabel: text.minutes,
          amPmInputLabel: text.amPm,
        }}
        popoverProps={{ id, withinPortal: true }}
        {...props}
      />
    </CalendarLanguage>
  );
}
