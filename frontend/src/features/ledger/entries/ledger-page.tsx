import { Button, Center, Group, Loader, Stack, Text } from "@mantine/core";
import { IconArrowsDiff, IconBook2, IconHistory, IconZoomExclamation } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { LoadFailed } from "@/shared/feedback/load-failed";
import { NothingHere } from "@/shared/feedback/nothing-here";
import { Page } from "@/shared/navigation/page";
import { DownloadButton } from "@/shared/tables/download-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { More } from "@/shared/tables/more";
import { TableFrame } from "@/shared/tables/table-frame";

import { comparisonText } from "../comparison/strings";
import { Proof } from "../proofs/proof";
import { entriesQuery, NO_FILTER, parametersOf, PLACES_A_PAGE, type Filter } from "../queries";
import { statisticsAsOfText } from "../statistics-as-of/strings";
import { EntryRow } from "./entry-row";
import { FilterBar } from "./filter-bar";
import { entriesText } from "./strings";
import { useFilter } from "./use-filter";
import { usePatientPages } from "./use-patient-pages";

export function LedgerPage() {
  const [filter, setFilter] = useFilter();
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
      <DownloadButton
        label={entriesText.download}
        path="/api/audit/entries"
        accept="application/x-ndjson"
        parameters={parametersOf(filter)}
        fileName="entries.ndjson"
      />
    </Group>
  );
  return (
    <Page title={entriesText.title} lead={entriesText.lead} actions={actions}>
      <Stack gap="lg">
        <Proof />
        <FilterBar filter={filter} onChange={setFilter} />
        <Entries filter={filter} onChange={setFilter} />
      </Stack>
    </Page>
  );
}

function Entries({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const list = useInfiniteQuery({ ...entriesQuery(filter), placeholderData: keepPreviousData });
  const { emptyPages, isSearching, isPaused, searchOn } = usePatientPages(list);
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { columns } = entriesText;
  const places = emptyPages * PLACES_A_PAGE;

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadFailed error={list.error} onRetry={list.refetch} />;
  return (
    <>
      {list.isError && <LoadFailed error={list.error} onRetry={list.fetchNextPage} />}
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
              columns.what,
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
            <Text>{entriesText.searching(places)}</Text>
          </Group>
        </Center>
      )}
      {isPaused && (
        <Stack align="center" gap="xs">
          <Text c="dimmed">{entriesText.searchOn.text(places)}</Text>
          <Button variant="default" onClick={searchOn}>
            {entriesText.searchOn.action}
          </Button>
        </Stack>
      )}
      {!isSearching && !isPaused && <More list={list} />}
    </>
  );
}

function Nothing({ filter, onClear }: { filter: Filter; onClear: () => void }) {
  if (Object.values(filter).every((value) => value === null)) {
    return <NothingHere icon={IconBook2} title={entriesText.none.title} text={entriesText.none.text} />;
  }
  const { title, text, action } = entriesText.noMatch;
  const clear = (
    <Button variant="light" onClick={onClear}>
      {action}
    </Button>
  );
  return <NothingHere icon={IconZoomExclamation} title={title} text={text} action={clear} />;
}
