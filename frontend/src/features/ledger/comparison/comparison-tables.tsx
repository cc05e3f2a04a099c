import { Anchor, Badge, Group, Stack, Table, Text, Title } from "@mantine/core";
import { IconEqual } from "@tabler/icons-react";
import { Link } from "react-router";

import type { EventStatsChange, Summary } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { subtractAmounts } from "@/shared/formatting/amounts";
import { formatCount, formatCountChange } from "@/shared/formatting/counts";
import { formatMoney, formatMoneyChange } from "@/shared/formatting/money";
import { TableFrame } from "@/shared/tables/table-frame";

import { comparisonText } from "./strings";

const text = comparisonText;
const { figures } = text;

interface Line {
  label: string;
  before: string;
  after: string;
  change: string;
}

/** The totals of all events before and after, and the change. */
export function Totals({ before, after }: { before: Summary; after: Summary }) {
  const { columns } = text.totals;
  return (
    <Stack gap="sm" component="section" aria-labelledby="totals">
      <Title order={2} size="h3" id="totals">
        {text.totals.title}
      </Title>
      <TableFrame
        label={text.totals.title}
        columns={[columns.figure, ...[columns.before, columns.after, columns.change].map(numbers)]}
      >
        {[...moneyLines(before, after), ...countLines(before, after)].map((line) => (
          <Table.Tr key={line.label}>
            <Table.Th scope="row">{line.label}</Table.Th>
            <Number label={columns.before}>{line.before}</Number>
            <Number label={columns.after}>{line.after}</Number>
            <Number label={columns.change}>{line.change}</Number>
          </Table.Tr>
        ))}
      </TableFrame>
    </Stack>
  );
}

/** The events that changed. */
export function ChangedEvents({ items, hasMore }: { items: readonly EventStatsChange[]; hasMore: boolean }) {
  const { title, none, columns } = text.events;
  return (
    <Stack gap="sm" component="section" aria-labelledby="changed">
      <Title order={2} size="h3" id="changed">
        {title}
      </Title>
      {items.length === 0 && <EmptyState icon={IconEqual} title={none.title} text={none.text} />}
      {items.length > 0 && (
        <>
          <Text size="sm" c="dimmed" role="status">
            {text.events.shown(items.length, hasMore)}
          </Text>
          <TableFrame
            label={title}
            columns={[
              columns.event,
              ...[columns.taken, columns.bookings, columns.cancellations, columns.refunded, columns.net].map(numbers),
            ]}
          >
            {items.map((event) => (
              <Row key={event.event_id} event={event} />
            ))}
          </TableFrame>
        </>
      )}
    </Stack>
  );
}

function Row({ event }: { event: EventStatsChange }) {
  const { columns, isNew } = text.events;
  return (
    <Table.Tr>
      <Table.Th scope="row" maw={360}>
        <Group gap="xs">
          <Anchor component={Link} to={`/ledger/events/${event.event_id}`} c="inherit" fw={600}>
            {event.name}
          </Anchor>
          {event.is_new && <Badge variant="light">{isNew}</Badge>}
        </Group>
      </Table.Th>
      <Number label={columns.taken}>{formatCountChange(event.taken)}</Number>
      <Number label={columns.bookings}>{formatCountChange(event.bookings)}</Number>
      <Number label={columns.cancellations}>{formatCountChange(event.cancellations)}</Number>
      <Number label={columns.refunded}>{formatMoneyChange(event.refunded, event.currency)}</Number>
      <Number label={columns.net}>{formatMoneyChange(event.net, event.currency)}</Number>
    </Table.Tr>
  );
}

function Number({ label, children }: { label: string; children: string }) {
  return (
    <Table.Td data-label={label} ta={{ sm: "end" }}>
      {children}
    </Table.Td>
  );
}

const numbers = (label: string) => ({ label, isNumber: true });

function moneyLines(before: Summary, after: Summary): Line[] {
  const currencies = [...new Set([...after.revenue, ...before.revenue].map(({ currency }) => currency))];
  return currencies.flatMap((currency) =>
    (["net", "gross", "refunded"] as const).map((name) => {
      const [was, is] = [before, after].map((summary) => summary.revenue.find((amounts) => amounts.currency === currency)?.[name] ?? "0"); // prettier-ignore
      return {
        label: `${figures[name]} (${currency})`,
        before: formatMoney(was ?? "0", currency),
        after: formatMoney(is ?? "0", currency),
        change: formatMoneyChange(subtractAmounts(is ?? "0", was ?? "0"), currency),
      };
    }),
  );
}

function countLines(before: Summary, after: Summary): Line[] {
  const of = (label: string, read: (summary: Summary) => number) => ({
    label,
    before: formatCount(read(before)),
    after: formatCount(read(after)),
    change: formatCountChange(read(after) - read(before)),
  });
  return [
    of(figures.bookings, ({ bookings }) => bookings),
    of(figures.cancellations, ({ cancellations }) => cancellations),
    of(figures.taken, ({ taken }) => taken),
    of(figures.capacity, ({ capacity }) => capacity),
    of(figures.active, ({ events }) => events.active),
    of(figures.completed, ({ events }) => events.completed),
    of(figures.cancelled, ({ events }) => events.cancelled),
  ];
}
