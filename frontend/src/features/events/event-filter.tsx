import { Button, CloseButton, Group, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconCalendar, IconSearch } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useLocation } from "react-router";

import type { Filter } from "./queries";
import { eventsText } from "./strings";

const TYPING_MILLISECONDS = 250;

// Calendars are a large script, loaded when first opened.
const DateFilter = lazy(async () => ({ default: (await import("./date-filter")).DateFilter }));

export function EventFilter({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const [typed, setTyped] = useState(filter.q);
  const [seen, setSeen] = useState(filter.q);
  const { pathname } = useLocation();
  const search = useDebouncedCallback((q: string) => {
    // Not after navigating to an event, which may still be loading.
    if (location.pathname === pathname) onChange({ ...filter, q });
  }, TYPING_MILLISECONDS);
  const type = (q: string) => {
    setTyped(q);
    search(q);
  };
  // Changed from outside: by going back, or "Clear filters".
  if (filter.q !== seen) {
    setSeen(filter.q);
    if (filter.q !== typed.trim()) setTyped(filter.q);
  }

  return (
    <Group gap="sm" role="search" wrap="wrap">
      <TextInput
        flex="1 1 240px"
        size="md"
        maxLength={200}
        aria-label={eventsText.search.label}
        placeholder={eventsText.search.label}
        leftSection={<IconSearch size={18} aria-hidden />}
        rightSection={typed !== "" && <CloseButton aria-label={eventsText.search.clear} onClick={() => type("")} />}
        value={typed}
        onChange={({ currentTarget }) => type(currentTarget.value)}
      />
      <Dates filter={filter} onChange={onChange} />
    </Group>
  );
}

function Dates({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const [isAsked, setIsAsked] = useState(false);
  const button = (
    <Button
      size="md"
      variant="default"
      leftSection={<IconCalendar size={18} aria-hidden />}
      loading={isAsked}
      onClick={() => setIsAsked(true)}
    >
      {eventsText.dates.any}
    </Button>
  );
  if (!isAsked && filter.from === null) return button;
  return (
    <Suspense fallback={button}>
      <DateFilter filter={filter} onChange={onChange} isFirstOpen={isAsked} />
    </Suspense>
  );
}
