import { Paper, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { Sales, SalesSeries, Summary } from "@/shared/api/generated/model";
import { LoadFailed } from "@/shared/feedback/load-failed";
import { count } from "@/shared/formatting/counts";
import { money } from "@/shared/formatting/money";
import { tables } from "@/shared/strings/tables";
import { DownloadButton } from "@/shared/tables/download-button";

import { summaryQuery, type Filter } from "./queries";
import { SectionHead } from "./section-head";
import { average, share, totals } from "./series";
import { statistics } from "./strings";

const text = statistics.totals;

interface Props {
  filter: Filter;
  currency: string;
  sales: SalesSeries | undefined;
  ofCurrency: readonly Sales[];
}

/** Of everything, or, of some days or one event, what their sales come to. */
export function TotalsRow({ filter, currency, sales, ofCurrency }: Props) {
  const summary = useQuery(summaryQuery());
  const isFiltered = filter.eventId !== null || filter.from !== null;
  const isKnown = isFiltered ? sales !== undefined : summary.data !== undefined;

  return (
    <Stack gap="md" component="section" aria-labelledby="totals">
      <SectionHead
        id="totals"
        title={text.title}
        actions={
          <DownloadButton
            size="xs"
            label={statistics.summaryDownload}
            path="/api/stats/summary"
            fileName="summary.csv"
          />
        }
      />
      {summary.isError && summary.data === undefined && <LoadFailed error={summary.error} onRetry={summary.refetch} />}
      {!isKnown && !summary.isError && <Waiting />}
      {isKnown && isFiltered && sales !== undefined && (
        <OfSales sales={ofCurrency} currency={currency} position={sales.ledger_position} />
      )}
      {isKnown && !isFiltered && summary.data !== undefined && <OfAll summary={summary.data} currency={currency} />}
    </Stack>
  );
}

function OfAll({ summary, currency }: { summary: Summary; currency: string }) {
  const { capacity, taken, bookings, cancellations, events, ledger_position: position } = summary;
  const revenue = summary.revenue.find((one) => one.currency === currency) ?? { net: "0", gross: "0", refunded: "0" };
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
      <Figure
        label={text.net}
        value={money(revenue.net, currency)}
        note={text.grossAndRefunded(money(revenue.gross, currency), money(revenue.refunded, currency))}
        position={position}
      />
      <Figure
        label={text.tickets}
        value={count(taken)}
        note={text.ofSeats(capacity, share(taken, capacity))}
        position={position}
      />
      <Figure
        label={text.bookings}
        value={count(bookings)}
        note={text.eventsBy(events.active, events.completed, events.cancelled)}
        position={position}
      />
      <Figure
        label={text.cancellations}
        value={count(cancellations)}
        note={text.ofBookings(share(cancellations, bookings))}
        position={position}
      />
    </SimpleGrid>
  );
}

function OfSales({ sales, currency, position }: { sales: readonly Sales[]; currency: string; position: number }) {
  const all = totals(sales);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
      <Figure
        label={text.net}
        value={money(all.net, currency)}
        note={text.grossAndRefunded(money(all.gross, currency), money(all.refunded, currency))}
        position={position}
      />
      <Figure
        label={text.ticketsSold}
        value={count(all.tickets)}
        note={text.ticketsCancelled(all.ticketsCancelled)}
        position={position}
      />
      <Figure
        label={text.bookings}
        value={count(all.bookings)}
        note={text.perBooking(money(average(all.gross, all.bookings), currency))}
        position={position}
      />
      <Figure
        label={text.cancellations}
        value={count(all.cancellations)}
        note={text.ofBookings(share(all.cancellations, all.bookings))}
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
        {tables.asOf(position)}
      </Text>
    </Paper>
  );
}

function Waiting() {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
      {Array.from({ length: 4 }, (_, index) => (
        <Skeleton key={index} height={130} radius="lg" />
      ))}
    </SimpleGrid>
  );
}
