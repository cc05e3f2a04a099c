import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { eventQuery } from "@/shared/queries/event-query";
import { queryKey } from "@/shared/queries/query-key";
import { formsText as text } from "@/shared/strings/forms";

const TYPING_MILLISECONDS = 250;

interface Props {
  /** Names the list that `find` searches. */
  purpose: string;
  find: (q: string, signal: AbortSignal) => Promise<{ id: string; name: string }[]>;
  value: string | null;
  onChange: (eventId: string | null) => void;
}

/** Selects one event by name, or all events. */
export function EventSelect({ purpose, find, value, onChange }: Props) {
  const [typed, setTyped] = useState("");
  const [q] = useDebouncedValue(typed, TYPING_MILLISECONDS);
  const { data: found = [] } = useQuery({
    queryKey: queryKey("event-options", purpose, q),
    queryFn: ({ signal }) => find(q, signal),
    placeholderData: keepPreviousData,
  });
  const isKnown = value === null || found.some(({ id }) => id === value);
  // An event from the URL, or found by an earlier search term.
  const { data: named } = useQuery({
    ...eventQuery(value ?? ""),
    enabled: !isKnown,
  });
  const all = isKnown || named === undefined ? found : [named, ...found];

  return (
    <Select
      flex="1 1 220px"
      maw={360}
      label={text.event}
      placeholder={text.anyEvent}
      nothingFoundMessage={text.noEvent}
      searchable
      clearable
      clearButtonProps={{ "aria-label": text.clear }}
      filter={({ options }) => options}
      data={all.map(({ id, name }) => ({ value: id, label: name }))}
      value={value}
      onChange={onChange}
      onSearchChange={(search) => setTyped(all.some(({ name }) => name === search) ? "" : search)}
    />
  );
}
