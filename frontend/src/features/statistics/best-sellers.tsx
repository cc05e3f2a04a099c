import { Center, Loader, Paper, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";

import { LoadFailed } from "@/shared/feedback/load-failed";
import { app } from "@/shared/strings/app";
import { tables } from "@/shared/strings/tables";

import { eventsQuery, type AllEvents } from "./queries";
import { bestSellers } from "./ranking";
import { SectionHead } from "./section-head";
import { statistics } from "./strings";

const text = statistics.best;
const MOST = 8;

const BestSellersChart = lazy(async () => ({ default: (await import("./best-sellers-chart")).BestSellersChart }));

/** Of how many the best are shown, where these are not all. */
const noteOn = ({ items, isBounded }: AllEvents) => (isBounded ? text.bounded(items.length) : text.note);

export function BestSellers({ currency }: { currency: string }) {
  const { data, error, refetch } = useQuery(eventsQuery());
  const best = bestSellers(data?.items ?? [], currency, MOST);
  const waiting = (
    <Center mih={240}>
      <Loader aria-label={app.loading} />
    </Center>
  );
  return (
    <Stack gap="md" component="section" aria-labelledby="best">
      <SectionHead
        id="best"
        title={text.title}
        note={data === undefined ? text.note : `${noteOn(data)} ${tables.asOf(data.position)}.`}
      />
      {data === undefined && error !== null && <LoadFailed error={error} onRetry={refetch} />}
      <Paper withBorder p={{ base: "xs", sm: "lg" }}>
        {data === undefined && waiting}
        {data !== undefined && best.length === 0 && (
          <Center mih={120}>
            <Text c="dimmed">{text.none}</Text>
          </Center>
        )}
        {best.length > 0 && (
          <Suspense fallback={waiting}>
            <BestSellersChart events={best} currency={currency} />
          </Suspense>
        )}
      </Paper>
    </Stack>
  );
}
