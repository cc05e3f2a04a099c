import { Center, Loader, Paper, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";

import { LoadError } from "@/shared/feedback/load-error";
import { appText } from "@/shared/strings/app";
import { tablesText } from "@/shared/strings/tables";

import { eventsQuery, type AllEvents } from "./queries";
import { selectBestSellers } from "./rank-events";
import { SectionHeader } from "./section-header";
import { statisticsText } from "./strings";

const text = statisticsText.best;
const MOST = 8;

const BestSellersChart = lazy(async () => ({ default: (await import("./best-sellers-chart")).BestSellersChart }));

/** Names the bound if not all events were ranked. */
const noteOn = ({ items, isBounded }: AllEvents) => (isBounded ? text.bounded(items.length) : text.note);

export function BestSellers({ currency }: { currency: string }) {
  const { data, error, refetch } = useQuery(eventsQuery());
  const best = selectBestSellers(data?.items ?? [], currency, MOST);
  const waiting = (
    <Center mih={240}>
      <Loader aria-label={appText.loading} />
    </Center>
  );
  return (
    <Stack gap="md" component="section" aria-labelledby="best">
      <SectionHeader
        id="best"
        title={text.title}
        note={data === undefined ? text.note : `${noteOn(data)} ${tablesText.asOf(data.position)}.`}
      />
      {data === undefined && error !== null && <LoadError error={error} onRetry={refetch} />}
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
