import { Anchor, Badge, Button, Group, Progress, Select, Stack, Table, Text } from "@mantine/core";
import { IconCalendarPlus, IconCalendarSearch, IconPlus } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { memo } from "react";
import { Link, useSearchParams } from "react-router";

import { EventFilter, type Event } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatStart } from "@/shared/formatting/date-times";
import { soldSeats, useSeats } from "@/shared/live/seat-store";
import { useLiveSeats } from "@/shared/live/use-live-seats";
import { Page } from "@/shared/navigation/page";
import { oneOf } from "@/shared/navigation/parameters";
import { useSession } from "@/shared/session/session";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { SearchField } from "@/shared/tables/search-field";
import { TableFrame } from "@/shared/tables/table-frame";
import { useNow } from "@/shared/time/use-now";

import { organisedEventsQuery } from "../queries";
import { StatusBadge } from "../status-badge";
import { organiseText } from "../strings";
import { isOverdue } from "./is-overdue";
import { eventListText } from "./strings";

interface Filter {
  q: string;
  status: EventFilter;
}

export function EventListPage() {
  const { account } = useSession();
  const [filter, setFilter] = useFilter();
  const isAdmin = account?.role === "admin";

  return (
    <Page
      title={organiseText.title}
      lead={isAdmin ? eventListText.lead.all : eventListText.lead.own}
      actions={<NewEvent />}
    >
      <Group gap="sm" role="search">
        <SearchField
          flex="1 1 220px"
          label={eventListText.search}
          value={filter.q}
          onChange={(q) => setFilter({ ...filter, q })}
        />
        <Select
          w={160}
          aria-label={eventListText.status}
          allowDeselect={false}
          data={Object.entries(organiseText.statuses).map(([value, label]) => ({ value, label }))}
          value={filter.status}
          onChange={(status) => setFilter({ ...filter, status: status as EventFilter })}
        />
      </Group>
      <EventList
        filter={filter}
        organizerId={isAdmin ? null : (account?.id ?? null)}
        onClear={() => setFilter({ q: "", status: "all" })}
      />
    </Page>
  );
}

function NewEvent() {
  return (
    <Button component={Link} to="/organise/new" leftSection={<IconPlus size={18} aria-hidden />}>
      {eventListText.create}
    </Button>
  );
}

/** The filter is in the URL, so that it survives going back. */
function useFilter(): [Filter, (filter: Filter) => void] {
  const [parameters, setParameters] = useSearchParams();
  const filter = {
    q: (parameters.get("q") ?? "").slice(0, 200),
    status: oneOf(EventFilter, parameters.get("status")) ?? EventFilter.active,
  };
  const set = ({ q, status: chosen }: Filter) =>
    setParameters(
      { ...(q === "" ? {} : { q }), ...(chosen === "active" ? {} : { status: chosen }) },
      { replace: true },
    );
  return [filter, set];
}

interface ListProps {
  filter: Filter;
  organizerId: string | null;
  onClear: () => void;
}

function EventList({ filter, organizerId, onClear }: ListProps) {
  const query = organisedEventsQuery({ ...filter, organizerId });
  const list = useInfiniteQuery({ ...query, placeholderData: keepPreviousData });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  useLiveSeats(items.map(({ id }) => id), query.queryKey); // prettier-ignore
  const now = useNow();
  const { columns } = eventListText;

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) return <Empty isFiltered={filter.q !== "" || filter.status !== "active"} onClear={onClear} />;
  return (
    <>
      <TableFrame
        label={eventListText.table}
        isBusy={list.isPlaceholderData}
        columns={[columns.event, columns.when, columns.status, columns.sold]}
      >
        {items.map((event) => (
          <Row key={event.id} event={event} now={now} />
        ))}
      </TableFrame>
      <LoadMoreButton list={list} />
    </>
  );
}

const Row = memo(function Row({ event, now }: { event: Event; now: number }) {
  const seats = useSeats(event);
  const taken = soldSeats(event, seats);
  const isOver = isOverdue(event, now);
  const { columns } = eventListText;

  return (
    <Table.Tr>
      <Table.Th scope="row" maw={420}>
        <Stack gap={0}>
          <Anchor component={Link} to={`/organise/${event.id}`} fw={650} c="inherit">
            {event.name}
          </Anchor>
          <Text size="sm" c="dimmed" fw={400}>
            {event.venue}
          </Text>
        </Stack>
      </Table.Th>
      <Table.Td data-label={columns.when}>
        <Text size="sm">{formatStart(event.starts_at, event.timezone)}</Text>
      </Table.Td>
      <Table.Td data-label={columns.status}>
        {isOver ? (
          <Badge color="yellow" variant="light" c="var(--mantine-color-text)">
            {eventListText.overdue}
          </Badge>
        ) : (
          <StatusBadge status={event.status} />
        )}
      </Table.Td>
      <Table.Td data-label={columns.sold}>
        <Stack gap={4} miw={140}>
          <Text size="sm">{organiseText.sold(taken, event.capacity)}</Text>
          <Progress value={(100 * taken) / event.capacity} aria-label={eventListText.soldShare(event.name)} size="sm" />
        </Stack>
      </Table.Td>
    </Table.Tr>
  );
});

function Empty({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  if (!isFiltered) {
    const { title, text } = eventListText.none;
    return <EmptyState icon={IconCalendarPlus} title={title} text={text} action={<NewEvent />} />;
  }
  const { title, text, action } = eventListText.noMatch;
  const clear = (
    <Button variant="light" onClick={onClear}>
      {action}
    </Button>
  );
  return <EmptyState icon={IconCalendarSearch} title={title} text={text} action={clear} />;
}
