import { Box, Button, NumberInput, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useState } from "react";

import { EntryType } from "@/shared/api/generated/model";
import { DateTimeField } from "@/shared/forms/date-time-field";
import { EventSelect } from "@/shared/forms/event-select";
import { isUuid } from "@/shared/navigation/parameters";
import { formsText } from "@/shared/strings/forms";
import { getBrowserTimeZone, toInstant, toWallClock } from "@/shared/time/wall-clock";

import { findEvents, NO_FILTER, type Filter } from "../queries";
import classes from "./entry-filter.module.css";
import { nameEntryType } from "./entry-types";
import { entriesText } from "./strings";

const text = entriesText.filters;
const TYPING_MILLISECONDS = 300;
const TYPES = Object.values(EntryType).map((value) => ({ value, label: nameEntryType(value) }));

interface Props {
  filter: Filter;
  onChange: (filter: Filter) => void;
}

export function EntryFilter({ filter, onChange }: Props) {
  const isFiltered = Object.values(filter).some((value) => value !== null);
  return (
    <Box className={classes.filters ?? ""} role="search">
      <EventSelect
        purpose="ledger"
        find={findEvents}
        value={filter.eventId}
        onChange={(eventId) => onChange({ ...filter, eventId })}
      />
      <Select
        label={text.type}
        placeholder={text.anyType}
        clearable
        clearButtonProps={{ "aria-label": formsText.clear }}
        data={TYPES}
        value={filter.type}
        onChange={(type) => onChange({ ...filter, type: type })}
      />
      <Actor value={filter.actorId} onChange={(actorId) => onChange({ ...filter, actorId })} />
      <Time label={text.from} value={filter.from} onChange={(from) => onChange({ ...filter, from })} />
      <Time label={text.to} value={filter.to} onChange={(to) => onChange({ ...filter, to })} />
      <After value={filter.after} onChange={(after) => onChange({ ...filter, after })} />
      {isFiltered && (
        <Button variant="subtle" mt={25} w="fit-content" onClick={() => onChange(NO_FILTER)}>
          {text.clear}
        </Button>
      )}
    </Box>
  );
}

function Actor({ value, onChange }: { value: string | null; onChange: (actorId: string | null) => void }) {
  const [typed, setTyped] = useTyped(value ?? "");
  const id = typed.trim();
  const isWrong = id !== "" && !isUuid(id);
  return (
    <TextInput
      label={text.actor}
      placeholder={text.actorHint}
      maxLength={36}
      error={isWrong && text.noActorId}
      value={typed}
      onChange={({ currentTarget }) => {
        const entered = currentTarget.value.trim();
        setTyped(currentTarget.value);
        if (isUuid(entered)) onChange(entered.toLowerCase());
        else if (entered === "") onChange(null);
      }}
    />
  );
}

function After({ value, onChange }: { value: number | null; onChange: (after: number | null) => void }) {
  const [typed, setTyped] = useTyped(value?.toString() ?? "");
  const settle = useDebouncedCallback(onChange, TYPING_MILLISECONDS);
  return (
    <NumberInput
      label={text.after}
      allowDecimal={false}
      allowNegative={false}
      hideControls
      thousandSeparator=" "
      maxLength={18}
      value={typed}
      onChange={(after) => {
        setTyped(String(after));
        settle(after === "" ? null : Number(after));
      }}
    />
  );
}

/** The entry, until the filter changes by other means: a link, or "Clear filters". */
function useTyped(value: string): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(value);
  const [seen, setSeen] = useState(value);
  if (value !== seen) {
    setSeen(value);
    setTyped(value);
  }
  return [typed, setTyped];
}

/** Entered and shown in the browser's time zone. */
function Time({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | null;
  onChange: (at: string | null) => void;
}) {
  const zone = getBrowserTimeZone();
  return (
    <DateTimeField
      label={label}
      clearable
      value={value === null ? null : toWallClock(value, zone)}
      onChange={(wall) => onChange(wall === null ? null : toInstant(wall, zone))}
    />
  );
}
