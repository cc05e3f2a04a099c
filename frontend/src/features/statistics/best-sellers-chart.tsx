import "@mantine/charts/styles.css";

import { BarChart } from "@mantine/charts";

import type { EventStats } from "@/shared/api/generated/model";
import { formatMoney } from "@/shared/formatting/money";

import { formatCompactMoney } from "./format-compact-money";
import { statisticsText } from "./strings";

const ROW = 44;
const NAME_LENGTH = 22;

/** The table of all events has the same numbers. */
export function BestSellersChart({ events, currency }: { events: readonly EventStats[]; currency: string }) {
  return (
    <BarChart
      h={events.length * ROW + 40}
      data={events.map(({ name, net, number }) => ({ name, number, net: Number(net) }))}
      dataKey="number"
      orientation="vertical"
      gridAxis="x"
      maxBarWidth={26}
      series={[{ name: "net", label: statisticsText.revenue.net, color: "ledger.6" }]}
      valueFormatter={(value) => formatMoney(String(value), currency)}
      xAxisProps={{ tickFormatter: (value: number) => formatCompactMoney(value, currency) }}
      yAxisProps={{ width: 130, tickFormatter: (number: number) => short(nameOf(events, number)) }}
      tooltipProps={{ labelFormatter: (number: unknown) => nameOf(events, Number(number)) }}
      role="img"
      aria-label={statisticsText.best.title}
    />
  );
}

function nameOf(events: readonly EventStats[], number: number): string {
  return events.find((event) => event.number === number)?.name ?? "";
}

function short(name: string): string {
  return name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name;
}
