import "@mantine/dates/styles.css";

import { Button, Group, Popover } from "@mantine/core";
import { DatePicker } from "@mantine/dates";
import { IconCalendar } from "@tabler/icons-react";
import dayjs from "dayjs";
import { useState } from "react";

import { CalendarLanguage } from "@/shared/calendar/calendar-language";
import { formatDayRange } from "@/shared/formatting/date-times";
import { useNow } from "@/shared/time/use-now";

import { earliestToday } from "./local-dates";
import type { Filter } from "./queries";
import { eventsText } from "./strings";

const ISO = "YYYY-MM-DD";

interface Props {
  filter: Filter;
  onChange: (filter: Filter) => void;
  isFirstOpen: boolean;
}

export function DateFilter({ filter, onChange, isFirstOpen }: Props) {
  const [isOpen, setIsOpen] = useState(isFirstOpen);
  const now = useNow();
  const [days, setDays] = useState<[string | null, string | null]>([filter.from, filter.to]);
  const [seen, setSeen] = useState(filter);
  if (seen.from !== filter.from || seen.to !== filter.to) {
    setSeen(filter);
    setDays([filter.from, filter.to]);
  }
  const choose = (from: string | null, to: string | null) => {
    setDays([from, to]);
    if (from === null || to !== null) {
      onChange({ ...filter, from, to });
      setIsOpen(false);
    }
  };

  return (
    <Popover
      opened={isOpen}
      onChange={setIsOpen}
      position="bottom"
      shadow="md"
      withinPortal={false}
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <Button
          size="md"
          variant={filter.from === null ? "default" : "light"}
          leftSection={<IconCalendar size={18} aria-hidden />}
          onClick={() => setIsOpen(!isOpen)}
        >
          {filter.from === null ? eventsText.dates.any : formatDayRange(filter.from, filter.to ?? filter.from)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={eventsText.dates.choose}>
        <Group gap="xs" mb="sm" maw={290}>
          {presets().map(([label, from, to]) => (
            <Button key={label} size="xs" variant="light" onClick={() => choose(from, to)}>
              {label}
            </Button>
          ))}
        </Group>
        <CalendarLanguage>
          <DatePicker
            type="range"
            allowSingleDateInRange
            hideOutsideDates // they are too faint to read
            ariaLabels={eventsText.dates.calendar}
            {...(filter.from === null ? {} : { defaultDate: filter.from })}
            minDate={earliestToday(now)}
            value={days}
            onChange={([from, to]) => choose(from, to)}
          />
        </CalendarLanguage>
      </Popover.Dropdown>
    </Popover>
  );
}

function presets(): [label: string, from: string | null, to: string | null][] {
  const inDays = (days: number) => dayjs().add(days, "day").format(ISO);
  return [
    [eventsText.dates.today, inDays(0), inDays(0)],
    [eventsText.dates.week, inDays(0), inDays(6)],
    [eventsText.dates.month, inDays(0), inDays(29)],
    [eventsText.dates.clear, null, null],
  ];
}
