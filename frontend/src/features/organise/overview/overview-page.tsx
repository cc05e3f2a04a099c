import { Group, Paper, Progress, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { Category, Event, Pool } from "@/shared/api/generated/model";
import { formatCount } from "@/shared/formatting/counts";
import { formatMoney } from "@/shared/formatting/money";
import { soldSeats, useSeats } from "@/shared/live/seat-store";
import { poolOf } from "@/shared/live/shared-seats";
import { isPaidHere } from "@/shared/payments/payable";
import { tablesText } from "@/shared/strings/tables";
import { TableFrame } from "@/shared/tables/table-frame";

import { useEvent } from "../event-layout/event-layout";
import { revenueQuery } from "../queries";
import { organiseText } from "../strings";
import { EventCancellation, EventCompletion } from "./event-closing";
import { overviewText } from "./strings";
import { sumRevenue } from "./sum-revenue";
import { useTakenInPools } from "./use-taken-in-pools";

const text = overviewText;

export function OverviewPage() {
  const event = useEvent();
  return (
    <Stack gap="xl">
      <Figures event={event} />
      <Stack gap="sm">
        <Title order={2} size="h3">
          {text.categories}
        </Title>
        <Categories event={event} />
      </Stack>
      {event.pools.length > 0 && (
        <Stack gap="sm">
          <Title order={2} size="h3">
            {text.pools}
          </Title>
          <Pools event={event} />
        </Stack>
      )}
      {event.status === "active" && (
        <Stack gap="sm">
          <Title order={2} size="h3">
            {text.closing}
          </Title>
          <Group>
            <EventCompletion event={event} />
            <EventCancellation event={event} />
          </Group>
        </Stack>
      )}
    </Stack>
  );
}

function Figures({ event }: { event: Event }) {
  const seats = useSeats(event);
  const { available, held } = seats;
  const { data: takings } = useQuery(revenueQuery(event.id));
  const { net, refunded } = sumRevenue(takings?.items ?? []);
  // Of cancelled tickets Seatledger knows whether they were paid.
  const note = isPaidHere(event) ? text.cancelledPrice : text.refunded;

  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
      <Figure label={text.sold} value={organiseText.sold(soldSeats(event, seats), event.capacity)} />
      <Figure label={text.left} value={formatCount(available)} notes={held > 0 ? [text.held(held)] : []} />
      <Figure
        label={text.revenue}
        value={takings === undefined ? "…" : formatMoney(net, event.currency)}
        notes={
          takings === undefined
            ? []
            : [note(formatMoney(refunded, event.currency)), tablesText.asOf(takings.ledger_position)]
        }
      />
    </SimpleGrid>
  );
}

function Figure({ label, value, notes = [] }: { label: string; value: string; notes?: string[] }) {
  return (
    <Paper withBorder p="lg">
      <Text c="dimmed" size="sm">
        {label}
      </Text>
      <Text fz={28} fw={750} lh={1.2}>
        {value}
      </Text>
      {notes.map((note) => (
        <Text key={note} size="xs" c="dimmed">
          {note}
        </Text>
      ))}
    </Paper>
  );
}

function Categories({ event }: { event: Event }) {
  useTakenInPools(event);
  const { category, price, sold, left } = text.columns;
  return (
    <TableFrame
      label={text.categories}
      columns={[category, { label: price, isNumber: true }, sold, { label: left, isNumber: true }]}
    >
      {event.categories.map((category) => (
        <CategoryRow key={category.id} category={category} event={event} />
      ))}
    </TableFrame>
  );
}

function CategoryRow({ category, event }: { category: Category; event: Event }) {
  const seats = useSeats(event);
  const available = seats.categories[category.name] ?? category.available;
  const held = seats.heldIn[category.name] ?? category.held;
  const isInPool = poolOf(event, category.id) !== undefined;
  const taken = isInPool ? category.taken : category.capacity - available - held;
  return (
    <Table.Tr>
      <Table.Th scope="row">{category.name}</Table.Th>
      <Table.Td data-label={text.columns.price} ta={{ sm: "end" }}>
        {formatMoney(category.price, event.currency)}
      </Table.Td>
      <SeatCells name={category.name} capacity={category.capacity} taken={taken} available={available} held={held} />
    </Table.Tr>
  );
}

function Pools({ event }: { event: Event }) {
  const { pool, shared, sold, left } = text.columns;
  return (
    <TableFrame label={text.pools} columns={[pool, shared, sold, { label: left, isNumber: true }]}>
      {event.pools.map((pool) => (
        <PoolRow key={pool.id} pool={pool} event={event} />
      ))}
    </TableFrame>
  );
}

function PoolRow({ pool, event }: { pool: Pool; event: Event }) {
  const { available, held } = useSeats(event).pools[pool.name] ?? pool;
  const names = event.categories.filter(({ id }) => pool.categories.includes(id)).map(({ name }) => name);
  return (
    <Table.Tr>
      <Table.Th scope="row">{pool.name}</Table.Th>
      <Table.Td data-label={text.columns.shared}>{names.length > 0 ? names.join(", ") : text.emptyPool}</Table.Td>
      <SeatCells
        name={pool.name}
        capacity={pool.capacity}
        taken={pool.capacity - available - held}
        available={available}
        held={held}
      />
    </Table.Tr>
  );
}

interface SeatCellsProps {
  name: string;
  capacity: number;
  taken: number;
  available: number;
  held: number;
}

/** What of a category or a pool is sold, and what is left. */
function SeatCells({ name, capacity, taken, available, held }: SeatCellsProps) {
  const { columns } = text;
  return (
    <>
      <Table.Td data-label={columns.sold}>
        <Stack gap={4} miw={140}>
          <Text size="sm">{organiseText.sold(taken, capacity)}</Text>
          <Progress value={(100 * taken) / capacity} aria-label={text.soldShare(name)} size="sm" />
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.left} ta={{ sm: "end" }}>
        {formatCount(available)}
        {held > 0 && (
          <Text size="xs" c="dimmed">
            {text.held(held)}
          </Text>
        )}
      </Table.Td>
    </>
  );
}
