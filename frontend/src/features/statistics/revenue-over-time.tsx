import { Accordion, Alert, Center, Loader, Paper, Stack, Table, Text } from "@mantine/core";
import { type useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";

import type { Sales, SalesSeries } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { formatMoney } from "@/shared/formatting/money";
import { appText } from "@/shared/strings/app";
import { tablesText } from "@/shared/strings/tables";
import { DownloadButton } from "@/shared/tables/download-button";
import { TableFrame } from "@/shared/tables/table-frame";

import { salesParameters, type Filter } from "./queries";
import { formatInterval, MOST_POINTS, toPoints } from "./sales-series";
import { SectionHeader } from "./section-header";
import { statisticsText } from "./strings";

const text = statisticsText.revenue;
const MOST_ROWS = 200;

// Charts are a large script, loaded when there is something to draw.
const RevenueChart = lazy(async () => ({ default: (await import("./revenue-chart")).RevenueChart }));

interface Props {
  filter: Filter;
  currency: string;
  sales: ReturnType<typeof useQuery<SalesSeries>>;
  ofCurrency: readonly Sales[];
}

export function RevenueOverTime({ filter, currency, sales, ofCurrency }: Props) {
  const position = sales.data?.ledger_position;
  return (
    <Stack gap="md" component="section" aria-labelledby="revenue">
      <SectionHeader
        id="revenue"
        title={text.title}
        note={position === undefined ? text.utc : `${text.utc} ${tablesText.asOf(position)}.`}
        actions={
          <DownloadButton
            size="xs"
            label={text.download}
            path="/api/stats/sales"
            parameters={salesParameters(filter)}
            fileName="sales.csv"
          />
        }
      />
      {sales.isError && <SalesError error={sales.error} onRetry={sales.refetch} />}
      {!sales.isError && (
        <Paper withBorder p={{ base: "xs", sm: "lg" }} aria-busy={sales.isPlaceholderData}>
          {sales.data === undefined && <ChartLoader />}
          {sales.data !== undefined && ofCurrency.length === 0 && (
            <Center mih={200}>
              <Text c="dimmed">{text.none}</Text>
            </Center>
          )}
          {ofCurrency.length > 0 && <SalesChart sales={ofCurrency} filter={filter} currency={currency} />}
        </Paper>
      )}
    </Stack>
  );
}

function SalesError({ error, onRetry }: { error: unknown; onRetry: () => unknown }) {
  if (!isKind(error, "malformed")) return <LoadError error={error} onRetry={onRetry} />;
  return (
    <Alert color="yellow" role="alert">
      {text.tooMany}
    </Alert>
  );
}

function SalesChart({ sales, filter, currency }: { sales: readonly Sales[]; filter: Filter; currency: string }) {
  const drawn = toPoints(sales, filter.interval);
  const hasGaps = drawn.length === sales.length && drawn.length > 1 && countHours(sales) > MOST_POINTS;
  return (
    <>
      <Suspense fallback={<ChartLoader />}>
        <RevenueChart points={drawn} interval={filter.interval} currency={currency} />
      </Suspense>
      {hasGaps && (
        <Text size="sm" c="dimmed" px="sm">
          {text.gaps}
        </Text>
      )}
      <Accordion variant="default" mt="sm" chevronPosition="left">
        <Accordion.Item value="table" style={{ border: 0 }}>
          <Accordion.Control>{text.asTable}</Accordion.Control>
          <Accordion.Panel>
            <SalesTable sales={sales} filter={filter} currency={currency} />
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </>
  );
}

/** Hours from the first to the last: an upper bound of what would have to be drawn. */
function countHours(sales: readonly Sales[]): number {
  return (Date.parse(sales.at(-1)?.start ?? "") - Date.parse(sales[0]?.start ?? "")) / 3_600_000;
}

function SalesTable({ sales, filter, currency }: { sales: readonly Sales[]; filter: Filter; currency: string }) {
  const { columns } = text;
  const latest = sales.slice(-MOST_ROWS).toReversed();
  const numbers = (["bookings", "tickets", "cancellations"] as const).map((name) => ({ name, say: formatCount }));
  const amounts = ["gross", "refunded", "net"] as const;
  return (
    <Stack gap="xs">
      <TableFrame
        label={text.title}
        columns={[
          columns.start,
          ...[...numbers.map(({ name }) => name), ...amounts].map((name) => ({ label: columns[name], isNumber: true })),
        ]}
      >
        {latest.map((row) => (
          <Table.Tr key={row.start}>
            <Table.Th scope="row" fw={500}>
              {formatInterval(row.start, filter.interval)}
            </Table.Th>
            {numbers.map(({ name, say }) => (
              <Table.Td key={name} data-label={columns[name]} ta={{ sm: "end" }}>
                {say(row[name])}
              </Table.Td>
            ))}
            {amounts.map((name) => (
              <Table.Td key={name} data-label={columns[name]} ta={{ sm: "end" }}>
                {formatMoney(row[name], currency)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </TableFrame>
      {sales.length > MOST_ROWS && (
        <Text size="sm" c="dimmed">
          {text.latest(MOST_ROWS)}
        </Text>
      )}
    </Stack>
  );
}

function ChartLoader() {
  return (
    <Center mih={320}>
      <Loader aria-label={appText.loading} />
    </Center>
  );
}
