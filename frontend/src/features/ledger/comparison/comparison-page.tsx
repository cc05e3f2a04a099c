import { Anchor, Button, Group, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconArrowLeft, IconArrowsDiff } from "@tabler/icons-react";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type SyntheticEvent } from "react";
import { Link, useSearchParams } from "react-router";

import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { Page } from "@/shared/navigation/page";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { getBrowserTimeZone, toWallClock } from "@/shared/time/wall-clock";

import { parsePointInTime } from "../point-in-time/parse-point-in-time";
import { pointInTimeText } from "../point-in-time/strings";
import { differenceQuery, type TimeRange } from "../queries";
import { ledgerText } from "../strings";
import { ChangedEvents, Totals } from "./comparison-tables";
import { comparisonText } from "./strings";

const text = comparisonText;
const HOUR = 3_600_000;

/** Changes of the statistics between two points in time, which are in the URL as `since` and `at`. */
export function ComparisonPage() {
  const [parameters, setParameters] = useSearchParams();
  const typed = { since: parameters.get("since"), at: parameters.get("at") ?? "" };
  const queries = useQueryClient();
  const compare = (since: string, at: string) => {
    setParameters({ since, at }, { replace: true });
    void queries.invalidateQueries(differenceQuery({ since: parsePointInTime(since), at: parsePointInTime(at) }));
  };
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/ledger" size="sm">
        <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {ledgerText.back}
      </Anchor>
      <Page title={text.title} lead={text.lead}>
        <Stack gap="lg">
          <RangeForm key={parameters.toString()} since={typed.since ?? ""} at={typed.at} onCompare={compare} />
          {typed.since === null ? (
            <EmptyState icon={IconArrowsDiff} title={text.start.title} text={text.start.text} />
          ) : (
            <Difference since={parsePointInTime(typed.since)} at={parsePointInTime(typed.at)} />
          )}
        </Stack>
      </Page>
    </Stack>
  );
}

interface ChoiceProps {
  since: string;
  at: string;
  onCompare: (since: string, at: string) => void;
}

function RangeForm({ since, at, onCompare }: ChoiceProps) {
  const [earlier, setEarlier] = useState(toInputText(since));
  const [later, setLater] = useState(toInputText(at));
  const [isChecked, setIsChecked] = useState(false);
  const isWrong = (typed: string) => typed.trim() !== "" && parsePointInTime(typed) === null;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setIsChecked(true);
    if (!isWrong(earlier) && !isWrong(later)) onCompare(toParameter(earlier), toParameter(later));
  };
  const field = (label: string, empty: string, value: string, set: (typed: string) => void) => (
    <TextInput
      label={label}
      placeholder={empty}
      maxLength={40}
      error={isChecked && isWrong(value) && pointInTimeText.invalid}
      value={value}
      onChange={({ currentTarget }) => set(currentTarget.value)}
    />
  );
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm" maw={640}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          {field(text.since, text.first, earlier, setEarlier)}
          {field(text.at, text.now, later, setLater)}
        </SimpleGrid>
        <Text size="xs" c="dimmed">
          {pointInTimeText.hint}
        </Text>
        <Group gap="xs">
          <Button type="submit">{text.compare}</Button>
          {text.presets.map(({ label, hours }) => (
            <Button
              key={label}
              variant="default"
              onClick={() => onCompare(hours === null ? "" : new Date(Date.now() - hours * HOUR).toISOString(), "")}
            >
              {label}
            </Button>
          ))}
        </Group>
      </Stack>
    </form>
  );
}

/** A point in time for the URL: times in UTC. */
const toParameter = (typed: string) => String(parsePointInTime(typed) ?? "");

/** A point in time as an entry: times in the browser's time zone. */
function toInputText(moment: string): string {
  return typeof parsePointInTime(moment) === "string" ? toWallClock(moment, getBrowserTimeZone()) : moment;
}

function Difference(moments: TimeRange) {
  const list = useInfiniteQuery(differenceQuery(moments));
  const { data, error } = list;
  const first = data?.pages[0];
  if (isKind(error, "malformed", "position-beyond-head") && first === undefined) {
    return (
      <Text role="alert" c="var(--mantine-color-error)">
        {error.message}
      </Text>
    );
  }
  if (first === undefined) return error === null ? <LoadingRows /> : <LoadError error={error} onRetry={list.refetch} />;
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="lg">
      <Text fw={650} role="status">
        {text.between(first.before.ledger_position, first.after.ledger_position)}
      </Text>
      <Totals before={first.before} after={first.after} />
      <ChangedEvents items={items} hasMore={list.hasNextPage} />
      {error !== null && <LoadError error={error} onRetry={list.fetchNextPage} />}
      <LoadMoreButton list={list} />
    </Stack>
  );
}
