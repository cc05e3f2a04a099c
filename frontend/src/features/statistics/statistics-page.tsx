import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";

import { Interval } from "@/shared/api/generated/model";
import { Page } from "@/shared/navigation/page";
import { oneOf } from "@/shared/navigation/parameters";
import { useSession } from "@/shared/session/session";

import { BestSellers } from "./best-sellers";
import { Occupancy } from "./occupancy";
import { salesQuery, summaryQuery, type Filter } from "./queries";
import { RevenueOverTime } from "./revenue-over-time";
import { listCurrencies } from "./sales-series";
import { StatisticsFilter } from "./statistics-filter";
import { statisticsText } from "./strings";
import { TotalsRow } from "./totals-row";

export function StatisticsPage() {
  const { account } = useSession();
  const [filter, setFilter] = useFilter();
  const [chosen, setChosen] = useState<string | null>(null);
  const { data: summary } = useQuery(summaryQuery());
  const sales = useQuery({ ...salesQuery(filter), placeholderData: (before) => before });

  const sold = listCurrencies(sales.data?.items ?? []);
  const currencies = [...new Set([...(summary?.revenue.map(({ currency }) => currency) ?? []), ...sold])];
  const currency = chosen !== null && currencies.includes(chosen) ? chosen : (sold[0] ?? currencies[0] ?? "EUR");
  const ofCurrency = sales.data?.items.filter((sale) => sale.currency === currency) ?? [];

  return (
    <Page
      title={statisticsText.title}
      lead={account?.role === "admin" ? statisticsText.lead.all : statisticsText.lead.own}
    >
      <Stack gap="xl">
        <StatisticsFilter
          filter={filter}
          onChange={setFilter}
          currencies={currencies}
          currency={currency}
          onCurrency={setChosen}
        />
        <TotalsRow filter={filter} currency={currency} sales={sales.data} ofCurrency={ofCurrency} />
        <RevenueOverTime filter={filter} currency={currency} sales={sales} ofCurrency={ofCurrency} />
        <BestSellers currency={currency} />
        <Occupancy />
      </Stack>
    </Page>
  );
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The filter is in the URL: it can be shared, and survives going back. */
function useFilter(): [Filter, (filter: Filter) => void] {
  const [parameters, setParameters] = useSearchParams();
  const day = (name: string) => {
    const text = parameters.get(name) ?? "";
    return DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
  };
  const filter: Filter = {
    eventId: parameters.get("event"),
    from: day("from"),
    to: day("to"),
    interval: oneOf(Interval, parameters.get("by")) ?? Interval.day,
  };
  const set = ({ eventId, from, to, interval }: Filter) => {
    const given = { event: eventId, from, to, by: interval === "day" ? null : interval };
    const named = Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== null);
    setParameters(named, { replace: true });
  };
  return [filter, set];
}
