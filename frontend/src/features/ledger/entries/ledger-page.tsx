import { Button, Center, Group, Loader, Stack, Text } from "@mantine/core";
import { IconArrowsDiff, IconBook2, IconHistory, IconUsers, IconZoomExclamation } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { Page } from "@/shared/navigation/page";
import { DownloadButton } from "@/shared/tables/download-button";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { accountTrailText } from "../account-trail/strings";
import { comparisonText } from "../comparison/strings";
import { CheckpointPanel } from "../proofs/checkpoint-panel";
import { entriesQuery, NO_FILTER, toEntryParameters, POSITIONS_PER_PAGE, type Filter } from "../queries";
import { statisticsAsOfText } from "../statistics-as-of/strings";
import { EntryFilter } from "./entry-filter";
import { EntryRow } from "./entry-row";
import { entriesText } from "./strings";
import { useEntryFilter } from "./use-entry-filter";
import { useSkipEmptyPages } from "./use-skip-empty-pages";

export function LedgerPage() {
  const [filter, setFilter] = useEntryFilter();
  const actions = (
    <Group gap="sm">
      <Button component={Link} to="/ledger/books" variant="default" leftSection={<IconHistory size={18} aria-hidden />}>
        {statisticsAsOfText.title}
      </Button>
      <Button
        component={Link}
        to="/ledger/compare"
        variant="default"
        leftSection={<IconArrowsDiff size={18} aria-hidden />}
      >
        {comparisonText.title}
      </Button>
      <Button
        component={Link}
        to="/ledger/accounts"
        variant="default"
        leftSection={<IconUsers size={18} aria-hidden />}
      >
        {accountTrailText.title}
      </Button>
      <DownloadButton
        label={entriesText.download}
        path="/api/audit/entries"
        accept="application/x-ndjson"
        parameters={toEntryParameters(filter)}
        fileName="entries.ndjson"
      />
    </Group>
  );
  return (
    <Page title={entriesText.title} lead={entriesText.lead} actions={actions}>
      <Stack gap="lg">
        <CheckpointPanel />
        <EntryFilter filter={filter} onChange={setFilter} />
        <Entries filter={filter} onChange={setFilter} />
      </Stack>
    </Page>
  );
}

function Entries({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const list = useInfiniteQuery({ ...entriesQuery(filter), placeholderData: keepPreviousData });
  const { emptyPages, isSearching, isPaused, searchOn } = useSkipEmptyPages(list);
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { columns } = entriesText;
  const searched = emptyPages * POSITIONS_PER_PAGE;

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  return (
    <>
      {list.isError && <LoadError error={list.error} onRetry={list.fetchNextPage} />}
      {items.length === 0 && !list.hasNextPage && <Nothing filter={filter} onClear={() => onChange(NO_FILTER)} />}
      {items.length > 0 && (
        <>
          <Text size="sm" c="dimmed" role="status" mb={-8}>
            {entriesText.shown(items.length, list.hasNextPage)}
          </Text>
          <TableFrame
            label={entriesText.table}
            isBusy={list.isPlaceholderData}
            columns={[
              { label: columns.position, isNumber: true },
              columns.at,
              columns.type,
              columns.details,
              columns.event,
              columns.actor,
              columns.body,
            ]}
          >
            {items.map((entry) => (
              <EntryRow key={entry.position} entry={entry} onActor={(actorId) => onChange({ ...filter, actorId })} />
            ))}
          </TableFrame>
        </>
      )}
      {isSearching && (
        <Center role="status">
          <Group gap="sm">
            <Loader size="sm" aria-hidden />
            <Text>{entriesText.searching(searched)}</Text>
          </Group>
        </Center>
      )}
      {isPaused && (
        <Stack align="center" gap="xs">
          <Text c="dimmed">{entriesText.searchOn.text(searched)}</Text>
          <Button variant="default" onClick={searchOn}>
            {entriesText.searchOn.action}
          </Button>
        </Stack>
      )}
      {!isSearching && !isPaused && <LoadMoreButton list={list} />}
    </>
  );
}

function Nothing({ filter, onClear }: { filter: Filter; onClear: () => void }) {
  if (Object.values(filter).every((value) => value === null)) {
    return <EmptyState icon={IconBook2} title={entriesText.none.title} text={entriesText.none.text} />;
  }
  const { title, text, action } = entriesText.noMatch;
  const clear = (
    <Button variant="light" onClick={onClear}>
      {action}
    </Button>
  );
  return <EmptyState icon={IconZoomExclamation} title={title} text={text} action={clear} />;
}
