import { Badge, Group, Paper, Progress, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";

import type { Event } from "@/shared/api/generated/model";
import { formatCount } from "@/shared/formatting/counts";
import { formatDateTime, formatStart } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";
import { isPaidHere } from "@/shared/payments/payable";
import { paymentsText } from "@/shared/strings/payments";
import { TableFrame } from "@/shared/tables/table-frame";

import { historyText } from "./strings";

const text = historyText;
const COLOURS = { active: "ledger", completed: "blue", cancelled: "red" };

/** The event as of a ledger position. */
export function EventAsOf({ event, position, isBusy }: { event: Event; position: number; isBusy: boolean }) {
  const held = event.categories.reduce((sum, category) => sum + category.held, 0);
  const facts: [label: string, value: string | null][] = [
    [text.starts, formatStart(event.starts_at, event.timezone)],
    [text.shows, event.show_at === null ? null : formatDateTime(event.show_at, event.timezone)],
    [text.ends, event.ends_at === null ? null : formatDateTime(event.ends_at, event.timezone)],
    [text.venue, event.venue === "" ? null : event.venue],
    [text.salesOpen, event.sales_open_at === null ? null : formatDateTime(event.sales_open_at, event.timezone)],
    [text.salesClose, event.sales_close_at === null ? null : formatDateTime(event.sales_close_at, event.timezone)],
    [text.limit, event.max_tickets_per_customer === null ? null : formatCount(event.max_tickets_per_customer)],
    [text.guests, text.guestCheckout[event.guest_checkout]],
    [text.holdMinutes, formatCount(event.hold_minutes)],
    [
      paymentsText.payment,
      isPaidHere(event) ? event.payment.methods.map((method) => paymentsText.ways[method]).join(", ") : null,
    ],
    [text.taken, text.of(event.capacity - event.available - held, event.capacity)],
    [text.held, held > 0 ? formatCount(held) : null],
  ];
  return (
    <Paper
      withBorder
      p={{ base: "md", sm: "lg" }}
      component="section"
      aria-label={text.asOfEntry}
      aria-busy={isBusy}
      style={{ opacity: isBusy ? 0.7 : 1 }}
    >
      <Stack gap="md">
        <div>
          <Group gap="sm">
            <Title order={2} size="h3">
              {event.name}
            </Title>
            <Badge variant="light" color={COLOURS[event.status]}>
              {text.status[event.status]}
            </Badge>
          </Group>
          <Text size="sm" c="dimmed">
            {text.asOf(position)}
          </Text>
        </div>
        <SimpleGrid cols={{ base: 1, xs: 2 }} component="dl" spacing="sm" m={0}>
          {facts.map(
            ([label, value]) =>
              value !== null && (
                <div key={label}>
                  <Text component="dt" size="sm" c="dimmed">
                    {label}
                  </Text>
                  <Text component="dd" m={0}>
                    {value}
                  </Text>
                </div>
              ),
          )}
        </SimpleGrid>
        <Categories event={event} />
        {event.description !== "" && (
          <Text size="sm" style={{ whiteSpace: "pre-line", overflowWrap: "anywhere" }} lineClamp={12}>
            {event.description}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function Categories({ event }: { event: Event }) {
  const { category, price, taken } = text.columns;
  return (
    <TableFrame label={category} columns={[category, { label: price, isNumber: true }, taken]}>
      {event.categories.map((category) => (
        <Table.Tr key={category.id}>
          <Table.Th scope="row">{category.name}</Table.Th>
          <Table.Td data-label={price} ta={{ sm: "end" }}>
            {formatMoney(category.price, event.currency)}
          </Table.Td>
          <Table.Td data-label={taken}>
            <Stack gap={4} miw={120}>
              <Text size="sm">{text.of(category.taken, category.capacity)}</Text>
              <Progress
                size="sm"
                value={(100 * category.taken) / category.capacity}
                aria-label={text.share(category.name)}
              />
            </Stack>
          </Table.Td>
        </Table.Tr>
      ))}
    </TableFrame>
  );
}
