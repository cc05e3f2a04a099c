import { ActionIcon, Badge, Code, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconSend } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { DeliveryState, WebhookDelivery } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { formatTimestamp } from "@/shared/formatting/durations";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { deliveriesQuery, deliveryQuery } from "./queries";
import { webhooksText } from "./strings";
import classes from "./webhooks.module.css";

const text = webhooksText.deliveries;
const { columns } = text;
const COLOURS: Record<DeliveryState, string> = {
  due: "blue",
  sent: "green",
  failed: "red",
  skipped: "gray",
  held: "gray",
};

export function DeliveryList({ webhookId }: { webhookId: string }) {
  return (
    <Stack gap="sm" component="section" aria-labelledby="deliveries">
      <div>
        <Title order={2} size="h3" id="deliveries">
          {text.title}
        </Title>
        <Text size="sm" c="dimmed">
          {text.hint}
        </Text>
      </div>
      <Deliveries webhookId={webhookId} />
    </Stack>
  );
}

function Deliveries({ webhookId }: { webhookId: string }) {
  const list = useInfiniteQuery(deliveriesQuery(webhookId));
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) return <EmptyState icon={IconSend} title={text.none.title} text={text.none.text} />;
  return (
    <>
      <TableFrame label={text.table} columns={Object.values(columns)}>
        {items.map((delivery) => (
          <Row key={delivery.id} webhookId={webhookId} delivery={delivery} />
        ))}
      </TableFrame>
      <LoadMoreButton list={list} />
    </>
  );
}

interface RowProps {
  webhookId: string;
  delivery: WebhookDelivery;
}

function Row({ webhookId, delivery }: RowProps) {
  const [isOpen, setIsOpen] = useState(false);
  const { id, type, position, state, tries, created_at, due_at, tried_at } = delivery;
  const Chevron = isOpen ? IconChevronUp : IconChevronDown;
  const where = position === null ? "" : formatCount(position);
  return (
    <>
      <Table.Tr>
        <Table.Th scope="row">
          <Code fz="sm">{type}</Code>
        </Table.Th>
        <Table.Td data-label={columns.position}>{where}</Table.Td>
        <Table.Td data-label={columns.state}>
          <Stack gap={2} align="flex-start">
            <Badge variant="light" color={COLOURS[state]} c="var(--mantine-color-text)">
              {text.states[state]}
            </Badge>
            {state === "due" && tries > 0 && due_at !== null && (
              <Text size="xs" c="dimmed">
                {text.next(formatTimestamp(due_at))}
              </Text>
            )}
          </Stack>
        </Table.Td>
        <Table.Td data-label={columns.answer}>
          <Answer delivery={delivery} />
        </Table.Td>
        <Table.Td data-label={columns.at}>
          <Text size="sm">{formatTimestamp(tried_at ?? created_at)}</Text>
        </Table.Td>
        <Table.Td data-label={columns.details}>
          <ActionIcon
            variant="subtle"
            aria-expanded={isOpen}
            aria-label={isOpen ? text.hide(type, where) : text.show(type, where)}
            onClick={() => setIsOpen(!isOpen)}
          >
            <Chevron size={18} aria-hidden />
          </ActionIcon>
        </Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td colSpan={Object.keys(columns).length} className={classes.details ?? ""}>
            <Request webhookId={webhookId} id={id} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}

function Answer({ delivery: { tries, status, milliseconds, error } }: { delivery: WebhookDelivery }) {
  if (tries === 0) return null;
  return (
    <Stack gap={0}>
      <Text size="sm">{status === null ? text.noAnswer : text.answer(status, milliseconds)}</Text>
      {error !== null && (
        <Text size="xs" c="dimmed">
          {error}
        </Text>
      )}
      {tries > 1 && (
        <Text size="xs" c="dimmed">
          {text.tries(tries)}
        </Text>
      )}
    </Stack>
  );
}

function Request({ webhookId, id }: { webhookId: string; id: string }) {
  const delivery = useQuery(deliveryQuery(webhookId, id));
  if (delivery.isPending) return <Skeleton height={120} />;
  if (delivery.data === undefined) return <LoadError error={delivery.error} onRetry={delivery.refetch} />;
  return (
    <Stack gap="xs">
      <dl className={classes.about}>
        <dt>{text.id}</dt>
        <dd>
          <Code>{id}</Code>
        </dd>
        {delivery.data.previous_position !== null && (
          <>
            <dt>{text.previous}</dt>
            <dd>{formatCount(delivery.data.previous_position)}</dd>
          </>
        )}
      </dl>
      <Code block component="pre" className={classes.body ?? ""} tabIndex={0} aria-label={text.request}>
        {indent(delivery.data.body)}
      </Code>
    </Stack>
  );
}

function indent(json: string): string {
  return JSON.stringify(JSON.parse(json), null, 2);
}
