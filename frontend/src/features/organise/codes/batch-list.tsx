import { Badge, Button, Stack, Table, Text } from "@mantine/core";

import type { CodeSales, Event } from "@/shared/api/generated/model";
import { formatDateTime, formatFullDay } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";
import { ordersText } from "@/shared/strings/orders";
import { TableFrame } from "@/shared/tables/table-frame";
import { useNow } from "@/shared/time/use-now";

import { categoriesOf, describeEffect, describeValidity, nameBatch, stateOf, type BatchState } from "./describe-batch";
import { codesText as text } from "./strings";

const { columns } = text;

interface Props {
  event: Event;
  batches: readonly CodeSales[];
  onWithdraw: (batch: CodeSales) => void;
}

/** The batches of promo codes of an event, and what was sold with them. */
export function BatchList({ event, batches, onWithdraw }: Props) {
  const now = useNow();
  const revenue = { label: columns.revenue, isNumber: true };
  return (
    <TableFrame
      label={text.title}
      columns={[columns.codes, columns.effect, columns.valid, columns.used, revenue, columns.action]}
    >
      {batches.map((batch) => (
        <Row
          key={batch.id}
          event={event}
          batch={batch}
          state={stateOf(batch, now)}
          onWithdraw={() => onWithdraw(batch)}
        />
      ))}
    </TableFrame>
  );
}

interface RowProps {
  event: Event;
  batch: CodeSales;
  state: BatchState;
  onWithdraw: () => void;
}

function Row({ event, batch, state, onWithdraw }: RowProps) {
  const categories = categoriesOf(batch, event);
  return (
    <Table.Tr {...(state === "withdrawn" ? { c: "dimmed" } : {})}>
      <Table.Th scope="row">
        <Stack gap={0}>
          <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
            {nameBatch(batch)}
          </Text>
          {batch.code === null && batch.prefix !== "" && <Note>{text.codes(batch.count)}</Note>}
          <Note>{text.made(formatFullDay(batch.made_at, event.timezone))}</Note>
        </Stack>
      </Table.Th>
      <Table.Td data-label={columns.effect}>
        <Stack gap={0}>
          <Text size="sm">{describeEffect(batch)}</Text>
          <Note>{categories.length === 0 ? text.allCategories : categories.join(", ")}</Note>
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.valid}>
        <Validity event={event} batch={batch} state={state} />
      </Table.Td>
      <Table.Td data-label={columns.used}>
        <Stack gap={0}>
          <Text size="sm">
            {text.used(batch.booked - batch.cancelled + batch.held, batch.count * batch.max_tickets)}
          </Text>
          {batch.held > 0 && <Note>{text.held(batch.held)}</Note>}
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.revenue} ta={{ sm: "end" }}>
        <Revenue batch={batch} />
      </Table.Td>
      <Table.Td {...(state === "withdrawn" ? {} : { "data-label": columns.action })}>
        {state !== "withdrawn" && event.status === "active" && (
          <Button variant="default" size="xs" aria-label={text.withdraw.label(nameBatch(batch))} onClick={onWithdraw}>
            {text.withdraw.action}
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function Validity({ event, batch, state }: Omit<RowProps, "onWithdraw">) {
  return (
    <Stack gap={2}>
      {state !== "valid" && (
        <div>
          <Badge variant="light" color="gray">
            {text.states[state]}
          </Badge>
        </div>
      )}
      <Text size="sm">
        {batch.withdrawn_at === null
          ? describeValidity(batch, event.timezone)
          : text.withdrawnAt(formatDateTime(batch.withdrawn_at, event.timezone))}
      </Text>
    </Stack>
  );
}

/** What was paid for tickets with these codes, what they took off, and what of it was refunded. */
function Revenue({ batch: { gross, discount, refunded, currency } }: { batch: CodeSales }) {
  return (
    <Stack gap={0} style={{ whiteSpace: "nowrap" }}>
      <Text size="sm">{formatMoney(gross, currency)}</Text>
      {Number(discount) > 0 && <Note>{ordersText.withDiscount(formatMoney(discount, currency))}</Note>}
      {Number(refunded) > 0 && <Note>{text.refunded(formatMoney(refunded, currency))}</Note>}
    </Stack>
  );
}

function Note({ children }: { children: string }) {
  return (
    <Text size="xs" c="dimmed" fw={400} style={{ overflowWrap: "anywhere" }}>
      {children}
    </Text>
  );
}
