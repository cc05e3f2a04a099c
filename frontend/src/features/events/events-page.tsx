import { Badge, Button, Center, Group, SimpleGrid, Skeleton, Text } from "@mantine/core";
import { IconCalendarSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo } from "react";

import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { useLiveSeats } from "@/shared/live/use-live-seats";
import { Page } from "@/shared/navigation/page";
import { useNow } from "@/shared/time/use-now";

import { EventCard } from "./event-card";
import { EventFilter } from "./event-filter";
import { eventsQuery, type Filter } from "./queries";
import { eventsText } from "./strings";
import { useEventFilter } from "./use-event-filter";

const COLUMNS = { base: 1, sm: 2, lg: 3 };

export function EventsPage() {
  const [filter, setFilter] = useEventFilter();

  return (
    <Page title={eventsText.title} lead={eventsText.lead}>
      <EventFilter filter={filter} onChange={setFilter} />
      <EventList filter={filter} onClear={() => setFilter({ q: "", from: null, to: null })} />
    </Page>
  );
}

function EventList({ filter, onClear }: { filter: Filter; onClear: () => void }) {
  const now = useNow();
  const query = eventsQuery(filter);
  const list = useInfiniteQuery({ ...query, placeholderData: keepPreviousData });
  // Rendered in the background: many events at once must not block the page.
  const pages = useDeferredValue(list.data?.pages);
  const items = useMemo(() => pages?.flatMap((page) => page.items) ?? [], [pages]);
  const live = useLiveSeats(items.map(({ id }) => id), query.queryKey); // prettier-ignore

  if (list.isPending || (pages === undefined && list.data !== undefined)) return <Loading />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) return <Empty isFiltered={filter.q !== "" || filter.from !== null} onClear={onClear} />;
  return (
    <>
      {list.isError && <LoadError error={list.error} onRetry={list.refetch} />}
      <Group justify="space-between" mb={-16}>
        <Text size="sm" c="dimmed" role="status">
          {eventsText.results(items.length, list.hasNextPage)}
        </Text>
        <Badge variant="dot" color={live === "live" ? "ledger" : "gray"} tt="none" fw={500}>
          {eventsText.live[live]}
        </Badge>
      </Group>
      <SimpleGrid cols={COLUMNS} spacing="lg" aria-busy={list.isPlaceholderData}>
        {items.map((event) => (
          <EventCard key={event.id} event={event} now={now} />
        ))}
      </SimpleGrid>
      {list.hasNextPage && (
        <Center>
          <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {eventsText.more}
          </Button>
        </Center>
      )}
    </>
  );
}

function Loading() {
  return (
    <SimpleGrid cols={COLUMNS} spacing="lg" role="status" aria-label={eventsText.loading}>
      {Array.from({ length: 6 }, (_, index) => (
        <Skeleton key={index} height={148} radius="lg" />
      ))}
    </SimpleGrid>
  );
}

function Empty({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  if (!isFiltered)
    return <EmptyState icon={IconCalendarSearch} title={eventsText.none.title} text={eventsText.none.text} />;
  const action = (
    <Button variant="light" onClick={onClear}>
      {eventsText.noMatch.action}
    </Button>
  );
  return (
    <EmptyState
      icon={IconCalendarSearch}
      title={eventsText.noMatch.title}
      text={eventsText.noMatch.text}
      action={action}
    />
  );
}
