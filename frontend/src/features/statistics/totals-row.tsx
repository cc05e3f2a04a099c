import { Paper, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { Sales, SalesSeries, Summary } from "@/shared/api/generated/model";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { formatMoney } from "@/shared/formatting/money";
import { tablesText } from "@/shared/strings/tables";
import { DownloadButton } from "@/shared/tables/download-button";

import { summaryQuery, type Filter } from "./queries";
import { calculateAverage, formatShare, sumTotals } from "./sales-series";
import { SectionHeader } from "./section-header";
import { statisticsText } from "./strings";

const text = statisticsText.totals;

interface Props {
  filter: Filter;
  currency: string;
  sales: SalesSeries | undefined;
  ofCurrency: readonly Sales[];
}

/** The totals of everything, or of the sales of some days or one event. */
export function TotalsRow({ filter, currency, sales, ofCurrency }: Props) {
  const summary = useQuery(summaryQuery());
  const isFiltered = filter.eventId !== null || filter.from !== null;
  const isKnown = isFiltered ? sales !== undefined : summary.data !== undefined;

  return (
    <Stack gap="md" component="section" aria-labelledby="totals">
      <SectionHeader
        id="totals"
        title={text.title}
        actions={
          <DownloadButton
            size="xs"
            label={statisticsText.summaryDownload}
            path="/api/stats/summary"
            fileName="summary.csv"
          />
        }
      />
      {summary.isError && summary.data === undefined && <LoadError error={summary.error} onRetry={summary.refetch} />}
      {!isKnown && !summary.isError && <LoadingTotals />}
      {isKnown && isFiltered && sales !== undefined && (
        <FilteredTotals sales={ofCurrency} currency={currency} position={sales.ledger_position} />
      )}
      {isKnown && !isFiltered && summary.data !== undefined && <AllTotals summary={summary.data} currency={currency} />}
    </Stack>
  );
}

function AllTotals({ summary, currency }: { summary: Summary; currency: string }) {
  const { capacity, taken, bookings, cancellations, events, ledger_position: position } = summary;
  const revenue = summary.revenue.find((amounts) => amounts.currency === currency) ?? {
    net: "0",
    gross: "0",
    refunded: "0",
  };
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
      <Figure
        label={text.net}
        value={formatMoney(revenue.net, currency)}
        note={text.grossAndRefunded(formatMoney(revenue.gross, currency), formatMoney(revenue.refunded, currency))}
        position={position}
      />
      <Figure
        label={text.tickets}
        value={formatCount(taken)}
        note={text.ofSeats(capacity, formatShare(taken, capacity))}
        position={position}
      />
      <Figure
        label={text.bookings}
        value={formatCount(bookings)}
        note={text.eventsBy(events.active, events.completed, events.cancelled)}
        position={position}
      />
      <Figure
        label={text.cancellations}
        value={formatCount(cancellations)}
        note={text.ofBookings(formatShare(cancellations, bookings))}
        position={position}
      />
    </SimpleGrid>
  );
}

function FilteredTotals({
  sales,
  currency,
  position,
}: {
  sales: readonly Sales[];
  currency: string;
  position: number;
}) {
  const all = sumTotals(sales);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
      <Figure
        label={text.net}
        value={formatMoney(all.net, currency)}
        note={text.grossAndRefunded(formatMoney(all.gross, currency), formatMoney(all.refunded, currency))}
        position={position}
      />
      <Figure
        label={text.ticketsSold}
        value={formatCount(all.tickets)}
        note={text.ticketsCancelled(all.ticketsCancelled)}
        position={position}
      />
      <Figure
        label={text.bookings}
        value={formatCount(all.bookings)}
        note={text.perBooking(formatMoney(calculateAverage(all.gross, all.bookings), currency))}
        position={position}
      />
      <Figure
        label={text.cancellations}
        value={formatCount(all.cancellations)}
        note={text.ofBookings(formatShare(all.cancellations, all.bookings))}
        position={position}
      />
    </SimpleGrid>
  );
}

function Figure({ label, value, note, position }: { label: string; value: string; note: string; position: number }) {
  return (
    <Paper withBorder p="lg">
      <Title order={3} fz="sm" fw={500} c="dimmed">
        {label}
      </Title>
      <Text fz={28} fw={750} lh={1.25} style={{ overflowWrap: "anywhere" }}>
        {value}
      </Text>
      <Text size="sm">{note}</Text>
      <Text size="xs" c="dimmed" mt={6}>
        {tablesText.asOf(position)}
      </Text>
    </Paper>
  );
}

function LoadingTotals() {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
      {Array.from({ length: 4 }, (_, index) => (
        <Skeleton key={index} height={130} radius="lg" />
      ))}
    </SimpleGrid>
  );
}
