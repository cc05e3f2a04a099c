import { Anchor, Group, Pagination, Progress, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconChartBar, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import type { EventStats } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { formatMoney } from "@/shared/formatting/money";
import { tablesText } from "@/shared/strings/tables";
import { DownloadButton } from "@/shared/tables/download-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { eventsQuery, type AllEvents } from "./queries";
import { rankEvents, type Order } from "./rank-events";
import { formatShare } from "./sales-series";
import { SectionHeader } from "./section-header";
import { statisticsText } from "./strings";

const text = statisticsText.occupancy;
const PAGE_SIZE = 10;

export function Occupancy() {
  const { data, error, refetch } = useQuery(eventsQuery());
  return (
    <Stack gap="md" component="section" aria-labelledby="occupancy">
      <SectionHeader
        id="occupancy"
        title={text.title}
        note={data === undefined ? text.note : `${text.note} ${tablesText.asOf(data.position)}.`}
        actions={<DownloadButton size="xs" label={text.download} path="/api/stats/events" fileName="events.csv" />}
      />
      {data === undefined && error !== null && <LoadError error={error} onRetry={refetch} />}
      {data === undefined && error === null && <LoadingRows />}
      {data !== undefined && <Events data={data} />}
    </Stack>
  );
}

function Events({ data: { items, isBounded } }: { data: AllEvents }) {
  const [order, setOrder] = useState<Order>("occupancy");
  const [q, setQ] = useState("");
  const [page, setPage] = useState(1);
  const { columns } = text;
  const matching = items.filter(({ name }) => name.toLowerCase().includes(q.trim().toLowerCase()));
  const pages = Math.max(1, Math.ceil(matching.length / PAGE_SIZE));
  const current = Math.min(page, pages);
  const shown = rankEvents(matching, order).slice((current - 1) * PAGE_SIZE, current * PAGE_SIZE);

  if (items.length === 0) return <EmptyState icon={IconChartBar} title={text.none.title} text={text.none.text} />;
  return (
    <>
      <Group gap="sm">
        <TextInput
          flex="1 1 220px"
          aria-label={text.search}
          placeholder={text.search}
          leftSection={<IconSearch size={18} aria-hidden />}
          value={q}
          onChange={({ currentTarget }) => setQ(currentTarget.value)}
        />
        <Select
          w={210}
          aria-label={text.order}
          allowDeselect={false}
          data={Object.entries(text.orders).map(([value, label]) => ({ value, label }))}
          value={order}
          onChange={(chosen) => setOrder(chosen as Order)}
        />
      </Group>
      {matching.length === 0 && <EmptyState icon={IconSearch} title={text.noMatch.title} text={text.noMatch.text} />}
      {matching.length > 0 && (
        <TableFrame
          label={text.title}
          columns={[
            columns.event,
            columns.seats,
            { label: columns.bookings, isNumber: true },
            { label: columns.cancellations, isNumber: true },
            { label: columns.net, isNumber: true },
          ]}
        >
          {shown.map((event) => (
            <Row key={event.event_id} event={event} />
          ))}
        </TableFrame>
      )}
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {isBounded && text.bounded(items.length)}
        </Text>
        {pages > 1 && (
          <Pagination
            total={pages}
            value={current}
            onChange={setPage}
            siblings={1}
            getControlProps={(control) => ({ "aria-label": statisticsText.pages[control] })}
            getItemProps={(number) => ({ "aria-label": statisticsText.page(number) })}
          />
        )}
      </Group>
    </>
  );
}

function Row({ event }: { event: EventStats }) {
  const { columns } = text;
  return (
    <Table.Tr>
      <Table.Th scope="row" maw={360}>
        <Anchor component={Link} to={`/organise/${event.event_id}`} c="inherit" fw={600}>
          {event.name}
        </Anchor>
      </Table.Th>
      <Table.Td data-label={columns.seats}>
        <Stack gap={4} miw={170}>
          <Text size="sm">
            {`${formatCount(event.taken)} / ${formatCount(event.capacity)} · ${formatShare(event.taken, event.capacity)}`}
          </Text>
          <Progress value={(100 * event.taken) / event.capacity} size="sm" aria-label={text.share(event.name)} />
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.bookings} ta={{ sm: "end" }}>
        {formatCount(event.bookings)}
      </Table.Td>
      <Table.Td data-label={columns.cancellations} ta={{ sm: "end" }}>
        {formatCount(event.cancellations)}
      </Table.Td>
      <Table.Td data-label={columns.net} ta={{ sm: "end" }}>
        {formatMoney(event.net, event.currency)}
      </Table.Td>
    </Table.Tr>
  );
}
