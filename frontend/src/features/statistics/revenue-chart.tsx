import "@mantine/charts/styles.css";

import { AreaChart, BarChart } from "@mantine/charts";

import type { Interval } from "@/shared/api/generated/model";
import { formatMoney } from "@/shared/formatting/money";

import { formatCompactMoney } from "./format-compact-money";
import { formatInterval, type Point } from "./sales-series";
import { statisticsText } from "./strings";

const text = statisticsText.revenue;
/** Up to this many points are drawn as bars. */
const FEW = 12;

interface Props {
  points: Point[];
  interval: Interval;
  currency: string;
}

/** Net revenue and refunds. The table below has the same numbers. */
export function RevenueChart({ points, interval, currency }: Props) {
  const common = {
    h: 320,
    data: points.map((point) => ({ ...point, label: formatInterval(point.start, interval) })),
    dataKey: "label",
    series: [
      { name: "net", label: text.net, color: "ledger.6" },
      { name: "refunded", label: text.refunded, color: "red.6" },
    ],
    withLegend: true,
    valueFormatter: (value: number) => formatMoney(String(value), currency),
    yAxisProps: { width: 64, tickFormatter: (value: number) => formatCompactMoney(value, currency) },
    xAxisProps: { minTickGap: 32 },
    gridAxis: "y" as const,
    role: "img",
    "aria-label": text.title,
  };
  if (points.length <= FEW) return <BarChart {...common} maxBarWidth={48} />;
  return <AreaChart {...common} withDots={false} curveType="monotone" />;
}
