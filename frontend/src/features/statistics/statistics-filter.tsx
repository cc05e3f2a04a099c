import "@mantine/dates/styles.css";

import { Button, Group, Input, SegmentedControl, Select } from "@mantine/core";
import { DatePickerInput } from "@mantine/dates";
import { useId } from "@mantine/hooks";
import { IconCalendar } from "@tabler/icons-react";
import { useState } from "react";

import type { Interval } from "@/shared/api/generated/model";
import { CalendarLanguage } from "@/shared/calendar/calendar-language";
import { EventSelect } from "@/shared/forms/event-select";
import { formsText } from "@/shared/strings/forms";

import { findEvents, type Filter } from "./queries";
import { statisticsText } from "./strings";

const text = statisticsText.filters;

interface Props {
  filter: Filter;
  onChange: (filter: Filter) => void;
  currencies: readonly string[];
  currency: string;
  onCurrency: (currency: string) => void;
}

export function StatisticsFilter({ filter, onChange, currencies, currency, onCurrency }: Props) {
  const isFiltered = filter.eventId !== null || filter.from !== null;
  return (
    <Group gap="md" align="flex-end" role="search">
      <EventSelect
        purpose="statistics"
        find={findEvents}
        value={filter.eventId}
        onChange={(eventId) => onChange({ ...filter, eventId })}
      />
      <Days filter={filter} onChange={onChange} />
      <Input.Wrapper label={text.interval} labelElement="div">
        <SegmentedControl
          display="flex"
          aria-label={text.interval}
          data={Object.entries(statisticsText.intervals).map(([value, label]) => ({ value, label }))}
          value={filter.interval}
          onChange={(interval) => onChange({ ...filter, interval: interval as Interval })}
        />
      </Input.Wrapper>
      {currencies.length > 1 && (
        <Select
          w={110}
          label={text.currency}
          allowDeselect={false}
          data={currencies}
          value={currency}
          onChange={(chosen) => chosen !== null && onCurrency(chosen)}
        />
      )}
      {isFiltered && (
        <Button
          variant="subtle"
          onClick={() => onChange({ eventId: null, from: null, to: null, interval: filter.interval })}
        >
          {text.clear}
        </Button>
      )}
    </Group>
  );
}

/** The range as it is picked; the filter changes when both ends are set, or neither. */
function Days({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const id = useId();
  const [days, setDays] = useState<[string | null, string | null]>([filter.from, filter.to]);
  const [seen, setSeen] = useState(filter);
  if (seen.from !== filter.from || seen.to !== filter.to) {
    setSeen(filter);
    setDays([filter.from, filter.to]);
  }
  return (
    <CalendarLanguage>
      <DatePickerInput
        type="range"
        id={id} // what the calendar is labelled by
        popoverProps={{ id }}
        hideOutsideDates // they are too faint to read
        allowSingleDateInRange
        clearable
        ariaLabels={formsText.calendar}
        clearButtonProps={{ "aria-label": formsText.clear }}
        flex="0 1 250px"
        miw={200}
        label={text.days}
        placeholder={text.anyDay}
        valueFormat="D MMM YYYY"
        leftSection={<IconCalendar size={18} aria-hidden />}
        value={days}
        onChange={([from, to]) => {
          setDays([from, to]);
          if ((from === null) === (to === null)) onChange({ ...filter, from, to });
        }}
      />
    </CalendarLanguage>
  );
}
