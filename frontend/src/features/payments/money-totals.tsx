import { Paper, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { LoadError } from "@/shared/feedback/load-error";
import { formatMoney } from "@/shared/formatting/money";
import { postingsQuery } from "@/shared/payments/queries";
import { tablesText } from "@/shared/strings/tables";

import { paymentsText } from "./strings";
import { sumPostings, type MoneyTotals } from "./sum-postings";

const text = paymentsText.totals;
const COLUMNS = { base: 2, md: 4 };

interface Props {
  /** Null: of all events. */
  eventId: string | null;
  /** Of an event without a payment. */
  currency?: string;
}

/** What was received, is due and is owed, in each currency. */
export function Totals({ eventId, currency }: Props) {
  const { data, error, refetch } = useQuery(postingsQuery(eventId));
  if (data === undefined && error !== null) return <LoadError error={error} onRetry={refetch} />;
  if (data === undefined) {
    return (
      <SimpleGrid cols={COLUMNS}>
        {Array.from({ length: 4 }, (_, index) => (
          <Skeleton key={index} height={130} radius="lg" />
        ))}
      </SimpleGrid>
    );
  }
  const sums = sumPostings(data.items);
  const all = sums.length === 0 && currency !== undefined ? [nothingIn(currency)] : sums;
  return (
    <Stack gap="lg">
      {all.map((totals) => (
        <CurrencyTotals
          key={totals.currency}
          totals={totals}
          title={all.length > 1 ? text.in(totals.currency) : text.title}
        />
      ))}
      {all.length > 0 && (
        <Text size="xs" c="dimmed">
          {tablesText.asOf(data.ledger_position)}
        </Text>
      )}
    </Stack>
  );
}

function CurrencyTotals({ totals, title }: { totals: MoneyTotals; title: string }) {
  const { currency, received, methods, due, owed, revenue } = totals;
  const money = (amount: string) => formatMoney(amount, currency);
  return (
    <Stack gap="sm" component="section" aria-label={title}>
      <Title order={2} size="h3">
        {title}
      </Title>
      <SimpleGrid cols={COLUMNS}>
        <Figure
          label={text.received}
          value={money(received)}
          notes={
            methods.length === 0 ? [text.none] : methods.map(({ method, amount }) => text.by(method, money(amount)))
          }
        />
        <Figure label={text.due} value={money(due)} notes={[text.dueHint]} />
        <Figure label={text.owed} value={money(owed)} notes={[text.owedHint]} />
        <Figure label={text.revenue} value={money(revenue)} notes={[text.revenueHint]} />
      </SimpleGrid>
    </Stack>
  );
}

function Figure({ label, value, notes }: { label: string; value: string; notes: readonly string[] }) {
  return (
    <Paper withBorder p={{ base: "sm", sm: "lg" }}>
      <Title order={3} fz="sm" fw={500} c="dimmed">
        {label}
      </Title>
      <Text fz={{ base: 20, sm: 28 }} fw={750} lh={1.25} style={{ overflowWrap: "anywhere" }}>
        {value}
      </Text>
      {notes.map((note) => (
        <Text key={note} size="sm">
          {note}
        </Text>
      ))}
    </Paper>
  );
}

function nothingIn(currency: string): MoneyTotals {
  return { currency, received: "0", methods: [], due: "0", owed: "0", revenue: "0" };
}
