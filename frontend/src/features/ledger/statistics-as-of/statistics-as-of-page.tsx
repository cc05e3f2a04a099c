import { Anchor, Button, Group, Paper, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";

import type { Summary } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { formatMoney } from "@/shared/formatting/money";
import { Page } from "@/shared/navigation/page";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { parsePointInTime } from "../point-in-time/parse-point-in-time";
import { PointInTimeForm } from "../point-in-time/point-in-time-form";
import { statisticsAsOfQuery } from "../queries";
import { ledgerText } from "../strings";
import { statisticsAsOfText } from "./strings";

const text = statisticsAsOfText;

/** The statistics of all events as of any position or time, which is in the URL as `at`. */
export function StatisticsAsOfPage() {
  const [parameters, setParameters] = useSearchParams();
  const at = parsePointInTime(parameters.get("at") ?? "");
  const { data, error, refetch, isPlaceholderData } = useQuery({
    ...statisticsAsOfQuery(at),
    placeholderData: keepPreviousData,
  });
  const problem = isKind(error, "malformed", "position-beyond-head") ? error.message : null;

  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/ledger" size="sm">
        <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {ledgerText.back}
      </Anchor>
      <Page title={text.title} lead={text.lead}>
        <Stack gap="lg">
          <Group align="flex-start">
            <PointInTimeForm
              onGo={(moment) => setParameters({ at: String(moment) }, { replace: true })}
              problem={problem}
            />
            {at !== null && (
              <Button variant="subtle" mt={{ base: 0, xs: 25 }} onClick={() => setParameters({}, { replace: true })}>
                {text.now}
              </Button>
            )}
          </Group>
          {data !== undefined && error === null && <Figures summary={data} isBusy={isPlaceholderData} />}
          {data === undefined && error === null && <LoadingRows rows={3} />}
          {error !== null && problem === null && <LoadError error={error} onRetry={refetch} />}
        </Stack>
      </Page>
    </Stack>
  );
}

function Figures({ summary, isBusy }: { summary: Summary; isBusy: boolean }) {
  const { events, capacity, taken, bookings, cancellations, revenue } = summary;
  return (
    <Stack gap="md" aria-busy={isBusy} component="section" aria-label={text.title}>
      <Text fw={650} role="status">
        {text.asOf(summary.ledger_position)}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
        {revenue.map(({ currency, net, gross, refunded }) => (
          <Figure
            key={currency}
            label={`${text.net} (${currency})`}
            value={formatMoney(net, currency)}
            note={text.grossAndRefunded(formatMoney(gross, currency), formatMoney(refunded, currency))}
          />
        ))}
        <Figure label={text.bookings} value={formatCount(bookings)} />
        <Figure label={text.cancellations} value={formatCount(cancellations)} />
        <Figure label={text.taken} value={formatCount(taken)} note={text.of(taken, capacity)} />
        <Figure
          label={text.events}
          value={formatCount(events.active + events.completed + events.cancelled)}
          note={text.eventsBy(events.active, events.completed, events.cancelled)}
        />
      </SimpleGrid>
    </Stack>
  );
}

function Figure({ label, value, note }: { label: string; value: string; note?: string }) {
  return (
    <Paper withBorder p="lg">
      <Text c="dimmed" size="sm">
        {label}
      </Text>
      <Text fz={28} fw={750} lh={1.25} style={{ overflowWrap: "anywhere" }}>
        {value}
      </Text>
      {note !== undefined && <Text size="sm">{note}</Text>}
    </Paper>
  );
}
