import { Divider, Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import type { Event, Hold } from "@/shared/api/generated/model";
import { formatTimeRange } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";
import { OrderLines } from "@/shared/orders/order-lines";

import { PaymentNotice } from "../payment-notice";
import { checkoutText as text } from "./strings";

interface Props {
  hold: Hold;
  event: Event | undefined;
  /** The promo code that was entered; empty: none, or it is not known here. */
  code: string;
  /** Whether it says how the order can be paid. */
  saysHow?: boolean;
  /** Below it. */
  children?: ReactNode;
}

/** What is ordered and what it costs, to the cent. */
export function OrderSummary({ hold, event, code, saysHow = true, children }: Props) {
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
        <OrderLines lines={hold.lines} currency={hold.currency} />
        {code !== "" && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {text.code(code)}
          </Text>
        )}
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
        {saysHow && event !== undefined && <PaymentNotice event={event} total={hold.total_amount} />}
        {children}
      </Stack>
    </Paper>
  );
}
