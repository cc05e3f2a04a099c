import { Alert, Badge, Group, Paper, Progress, Stack, Table, Text } from "@mantine/core";
import { IconActivity, IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";

import type { Projection, ProjectionList } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { formatDuration } from "@/shared/formatting/durations";
import { Page } from "@/shared/navigation/page";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { LastVerification } from "./last-verification";
import { projectionsQuery } from "./queries";
import { RebuildProgress } from "./rebuild-progress";
import { SetAsideAlert } from "./set-aside-alert";
import { projectionsText as text } from "./strings";
import { Subscriptions } from "./subscriptions";

const COLOURS = { running: "ledger", stalled: "red", frozen: "yellow" };

export function ProjectionsPage() {
  const { data, error, refetch } = useQuery(projectionsQuery());
  return (
    <Page title={text.title} lead={text.lead}>
      <Stack gap="lg">
        {error !== null && <LoadError error={error} onRetry={refetch} />}
        {data === undefined && error === null && <LoadingRows />}
        {data !== undefined && <ProjectionsView list={data} />}
      </Stack>
    </Page>
  );
}

function ProjectionsView({
  list: { items, subscriptions, verification, ledger_position: head },
}: {
  list: ProjectionList;
}) {
  const { columns, none } = text;
  if (items.length === 0) return <EmptyState icon={IconActivity} title={none.title} text={none.text} />;
  return (
    <>
      <Paper withBorder p="lg">
        <Group justify="space-between" align="flex-end">
          <div>
            <Text c="dimmed" size="sm">
              {text.head}
            </Text>
            <Text fz={32} fw={750} lh={1.15}>
              {formatCount(head)}
            </Text>
          </div>
          <Badge variant="dot" tt="none" fw={500}>
            {text.live}
          </Badge>
        </Group>
      </Paper>
      {items
        .filter(({ state }) => state !== "running")
        .map((projection) => (
          <ProjectionAlert key={projection.name} projection={projection} />
        ))}
      <SetAsideAlert projections={items} />
      <TableFrame
        label={text.table}
        columns={[
          columns.name,
          columns.state,
          columns.position,
          { label: columns.entries, isNumber: true },
          { label: columns.seconds, isNumber: true },
        ]}
      >
        {items.map((projection) => (
          <Row key={projection.name} projection={projection} head={head} />
        ))}
      </TableFrame>
      <Subscriptions subscriptions={subscriptions} head={head} />
      <LastVerification verification={verification} />
    </>
  );
}

function Row({ projection, head }: { projection: Projection; head: number }) {
  const { columns } = text;
  const { name, version, position, lag_entries, lag_seconds, state, set_aside, rebuild } = projection;
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Stack gap={0}>
          <Text fw={650} tt="capitalize">
            {name}
          </Text>
          <Text size="sm" c="dimmed" fw={400}>
            {text.about[name] ?? text.version(version)}
          </Text>
        </Stack>
      </Table.Th>
      <Table.Td data-label={columns.state}>
        <Badge variant="light" color={COLOURS[state]} c="var(--mantine-color-text)">
          {text.states[state]}
        </Badge>
        {set_aside.length > 0 && (
          <Text size="xs" c="red" mt={4}>
            {text.setAside.count(set_aside.length)}
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label={columns.position}>
        <Stack gap={4} miw={120}>
          <Text size="sm">{formatCount(position)}</Text>
          <Progress
            size="sm"
            value={head === 0 ? 100 : (100 * position) / head}
            color={COLOURS[state]}
            aria-label={text.caughtUp(name)}
          />
          {rebuild !== null && <RebuildProgress name={name} rebuild={rebuild} />}
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.entries} ta={{ sm: "end" }}>
        {lag_entries === 0 ? text.upToDate : text.behind(lag_entries)}
      </Table.Td>
      <Table.Td data-label={columns.seconds} ta={{ sm: "end" }}>
        {formatDuration(lag_seconds)}
      </Table.Td>
    </Table.Tr>
  );
}

/** Why a projection is not being processed. */
function ProjectionAlert({ projection: { name, state, failed_position, error } }: { projection: Projection }) {
  if (state === "frozen") {
    return (
      <Alert
        color="yellow"
        icon={<IconAlertTriangle aria-hidden />}
        title={text.frozen.title(name)}
        styles={{ title: { color: "var(--mantine-color-text)" } }}
        role="alert"
      >
        {text.frozen.text}
      </Alert>
    );
  }
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={text.stalled.title(name)} role="alert">
      {failed_position === null ? text.stalled.unknown : text.stalled.at(failed_position)}
      {error !== null && (
        <Text ff="monospace" size="xs" mt="xs" style={{ overflowWrap: "anywhere" }}>
          {error}
        </Text>
      )}
    </Alert>
  );
}
