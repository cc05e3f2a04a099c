import { Divider, Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import type { Event, Hold } from "@/shared/api/generated/model";
import { formatTimeRange } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";

import { checkoutText as text } from "./strings";

/** What is ordered and what it costs, to the cent. `children`: below it. */
export function OrderSummary({
  hold,
  event,
  children,
}: {
  hold: Hold;
  event: Event | undefined;
  children?: ReactNode;
}) {
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }} component="section" aria-labelledby="summary">
      <Stack gap="sm">
        <Title order={2} size="h3" id="summary">
          {text.summary}
        </Title>
        <div>
          <Text fw={650} style={{ overflowWrap: "anywhere" }}>
            {hold.event_name}
          </Text>
          {event !== undefined && (
            <Text size="sm" c="dimmed">
              {formatTimeRange(event.starts_at, event.ends_at, event.timezone)}
            </Text>
          )}
        </div>
        <Divider />
        {hold.lines.map((line) => (
          <Group key={line.category} justify="space-between" wrap="nowrap" gap="md">
            <Text style={{ overflowWrap: "anywhere" }}>{text.line(line.quantity, line.category)}</Text>
            <Text>{formatMoney(line.amount, hold.currency)}</Text>
          </Group>
        ))}
        <Divider />
        <Group justify="space-between" align="baseline">
          <Text fw={700}>{text.total}</Text>
          <Text fz={24} fw={800} data-testid="total">
            {formatMoney(hold.total_amount, hold.currency)}
          </Text>
        </Group>
        <Text size="sm" c="dimmed">
          {text.noFees}
        </Text>
        {children}
      </Stack>
    </Paper>
  );
}
