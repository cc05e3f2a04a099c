import { Anchor, Center, Grid, Loader, Stack } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowLeft, IconCalendarOff } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";

import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { Page } from "@/shared/navigation/page";
import { appText } from "@/shared/strings/app";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { parsePointInTime } from "../point-in-time/parse-point-in-time";
import { PointInTimeForm } from "../point-in-time/point-in-time-form";
import { pointInTimeText } from "../point-in-time/strings";
import { eventAsOfQuery } from "../queries";
import { ledgerText } from "../strings";
import { findIndexAt } from "./entry-indices";
import { EntryTimeline } from "./entry-timeline";
import { EventAsOf } from "./event-as-of";
import { HistorySlider } from "./history-slider";
import { historyText } from "./strings";
import { useEventHistory } from "./use-event-history";

const text = historyText;
const DRAG_MILLISECONDS = 120;

export function EventHistoryPage() {
  const { eventId = "" } = useParams();
  const { data: now } = useQuery(eventAsOfQuery(eventId, null));
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/ledger" size="sm">
        <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {ledgerText.back}
      </Anchor>
      <Page title={now === undefined ? text.untitled : text.title(now.event.name)} lead={text.lead}>
        <History key={eventId} eventId={eventId} />
      </Page>
    </Stack>
  );
}

function History({ eventId }: { eventId: string }) {
  const history = useEventHistory(eventId);
  const { entries, isPending, error, retry } = history;
  if (isPending) return <LoadingRows />;
  if (entries.length === 0 && isKind(error, "event-not-found", "malformed")) return <NotFound />;
  if (entries.length === 0 && error !== null) return <LoadError error={error} onRetry={retry} />;
  if (entries.length === 0) return history.isReading ? <LoadingRows /> : <NotFound />;
  return (
    <>
      {error !== null && <LoadError error={error} onRetry={retry} />}
      <HistoryView eventId={eventId} history={history} />
    </>
  );
}

/** The point in time is in the URL: `at`, a position or a time; without it the last entry. */
function HistoryView({ eventId, history }: { eventId: string; history: ReturnType<typeof useEventHistory> }) {
  const [parameters, setParameters] = useSearchParams();
  const { entries } = history;
  const last = entries.at(-1)?.position ?? 0;
  const [dragged, setDragged] = useState<number | null>(null);
  const chosen = dragged ?? parsePointInTime(parameters.get("at") ?? "") ?? last;
  const [at] = useDebouncedValue(chosen, DRAG_MILLISECONDS);
  const then = useQuery({ ...eventAsOfQuery(eventId, at), placeholderData: keepPreviousData });
  const position = typeof chosen === "number" ? chosen : (then.data?.position ?? last);
  const index = findIndexAt(entries, position);
  const go = (moment: number | string) => {
    setDragged(null);
    setParameters({ at: String(moment) }, { replace: true });
  };
  // The URL changes on release: browsers limit changes per second.
  const drag = (index: number) => setDragged(entries[index]?.position ?? null);
  const select = (index: number) => {
    const entry = entries[index];
    if (entry !== undefined) go(entry.position);
  };

  return (
    <Stack gap="lg">
      <HistorySlider history={history} index={index} onDrag={drag} onSelect={select} />
      <PointInTimeForm onGo={go} problem={problemOf(then.error)} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 5 }} order={{ base: 2, md: 1 }}>
          <EntryTimeline entries={entries} index={index} onSelect={select} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }} order={{ base: 1, md: 2 }}>
          {then.data !== undefined && then.error === null && (
            <EventAsOf event={then.data.event} position={then.data.position} isBusy={then.isPlaceholderData} />
          )}
          {then.isPending && (
            <Center mih={240}>
              <Loader aria-label={appText.loading} />
            </Center>
          )}
          {then.error !== null && problemOf(then.error) === null && (
            <LoadError error={then.error} onRetry={then.refetch} />
          )}
        </Grid.Col>
      </Grid>
    </Stack>
  );
}

/** Why there is no event at that point in time: the API's own message where it has one. */
function problemOf(error: unknown): string | null {
  if (isKind(error, "event-not-found")) return pointInTimeText.notYet;
  return isKind(error, "position-beyond-head", "malformed") ? error.message : null;
}

function NotFound() {
  return <EmptyState icon={IconCalendarOff} title={text.notFound.title} text={text.notFound.text} />;
}
