import { Anchor, Stack, Table, Text } from "@mantine/core";
import { IconWebhook } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import type { Webhook } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { Page } from "@/shared/navigation/page";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { NewWebhook } from "./new-webhook";
import { webhooksQuery } from "./queries";
import { StateBadge } from "./state-badge";
import { webhooksText as text } from "./strings";
import { describeTypes } from "./types";

const { columns } = text;

export function WebhookListPage() {
  return (
    <Page title={text.title} lead={text.lead} actions={<NewWebhook />}>
      <Webhooks />
    </Page>
  );
}

function Webhooks() {
  const list = useQuery(webhooksQuery());

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (list.data.items.length === 0)
    return <EmptyState icon={IconWebhook} title={text.none.title} text={text.none.text} />;
  return (
    <TableFrame label={text.table} columns={[columns.url, columns.about, columns.state, columns.waiting]}>
      {list.data.items.map((webhook) => (
        <Row key={webhook.id} webhook={webhook} />
      ))}
    </TableFrame>
  );
}

function Row({ webhook }: { webhook: Webhook }) {
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Anchor component={Link} to={`/webhooks/${webhook.id}`} style={{ overflowWrap: "anywhere" }}>
          {webhook.url}
        </Anchor>
      </Table.Th>
      <Table.Td data-label={columns.about}>
        <Stack gap={0}>
          <Text size="sm">{describeTypes(webhook.types)}</Text>
          <Text size="sm" c="dimmed">
            {webhook.event_id === null ? text.allEvents : text.oneEvent}
          </Text>
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.state}>
        <Stack gap={4} align="flex-start">
          <StateBadge state={webhook.state} />
          {webhook.failing_since !== null && (
            <Text size="xs" c="dimmed">
              {text.failing(formatLocalDateTime(webhook.failing_since))}
            </Text>
          )}
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.waiting}>{text.waiting(webhook.waiting)}</Table.Td>
    </Table.Tr>
  );
}
