import { Alert, Badge, Code, Progress, Stack, Table, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import type { Subscription } from "@/shared/api/generated/model";
import { formatCount } from "@/shared/formatting/counts";
import { formatDuration } from "@/shared/formatting/durations";
import { TableFrame } from "@/shared/tables/table-frame";

import { projectionsText } from "./strings";

const text = projectionsText.subscriptions;
const { columns, upToDate, behind, caughtUp } = projectionsText;
const COLOURS = { running: "ledger", stalled: "red", frozen: "yellow", off: "gray" };

const nameOf = ({ name }: Subscription) => text.names[name] ?? name;

/** How far mail and webhooks have told others about the ledger. Nothing before the first of them has begun. */
export function Subscriptions({ subscriptions, head }: { subscriptions: Subscription[]; head: number }) {
  if (subscriptions.length === 0) return null;
  return (
    <Stack component="section" gap="sm" aria-labelledby="subscriptions">
      <div>
        <Title order={2} size="h3" id="subscriptions">
          {text.title}
        </Title>
        <Text size="sm" c="dimmed">
          {text.lead}
        </Text>
      </div>
      {subscriptions.map((one) => (
        <SubscriptionAlert key={one.name} subscription={one} />
      ))}
      <TableFrame
        label={text.title}
        columns={[
          text.name,
          columns.state,
          columns.position,
          { label: columns.entries, isNumber: true },
          { label: columns.seconds, isNumber: true },
        ]}
      >
        {subscriptions.map((one) => (
          <Row key={one.name} subscription={one} head={head} />
        ))}
      </TableFrame>
    </Stack>
  );
}

function Row({ subscription, head }: { subscription: Subscription; head: number }) {
  const { name, position, lag_entries, lag_seconds, state } = subscription;
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Stack gap={0}>
          <Text fw={650}>{nameOf(subscription)}</Text>
          <Text size="sm" c="dimmed" fw={400}>
            {text.about[name]}
          </Text>
        </Stack>
      </Table.Th>
      <Table.Td data-label={columns.state}>
        <Badge variant="light" color={COLOURS[state]} c="var(--mantine-color-text)">
          {text.states[state]}
        </Badge>
      </Table.Td>
      <Table.Td data-label={columns.position}>
        <Stack gap={4} miw={120}>
          <Text size="sm">{formatCount(position)}</Text>
          <Progress
            size="sm"
            value={head === 0 ? 100 : (100 * position) / head}
            color={COLOURS[state]}
            aria-label={caughtUp(nameOf(subscription))}
          />
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.entries} ta={{ sm: "end" }}>
        {state !== "off" && (lag_entries === 0 ? upToDate : behind(lag_entries))}
      </Table.Td>
      <Table.Td data-label={columns.seconds} ta={{ sm: "end" }}>
        {state !== "off" && formatDuration(lag_seconds)}
      </Table.Td>
    </Table.Tr>
  );
}

/** Why it tells nobody, and what to do about it. */
function SubscriptionAlert({ subscription }: { subscription: Subscription }) {
  const { state, failed_position, error } = subscription;
  const name = nameOf(subscription);
  if (state === "frozen") {
    return (
      <Alert
        color="yellow"
        icon={<IconAlertTriangle aria-hidden />}
        title={text.frozenTitle(name)}
        styles={{ title: { color: "var(--mantine-color-text)" } }}
        role="alert"
      >
        {text.frozen}
      </Alert>
    );
  }
  if (state !== "stalled" || failed_position === null) return null;
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={text.stalledTitle(name)} role="alert">
      {text.stalled(failed_position)} <Code>{text.command}</Code>
      {error !== null && (
        <Text ff="monospace" size="xs" mt="xs" style={{ overflowWrap: "anywhere" }}>
          {error}
        </Text>
      )}
    </Alert>
  );
}
