import { Group, Stack, Text, type TextProps } from "@mantine/core";

import { formatCount } from "@/shared/formatting/counts";
import { formatMoney } from "@/shared/formatting/money";
import { ordersText as text } from "@/shared/strings/orders";

import { discountOf, listAmountOf, type PricedLine } from "./discounts";

/** The lines of an order at their list prices, each with its discount below it. */
export function OrderLines({ lines, currency }: { lines: readonly PricedLine[]; currency: string }) {
  return lines.map((line) => {
    const discount = discountOf([line]);
    return (
      <Stack key={`${line.category} ${line.unit_price}`} gap={0}>
        <AmountRow
          label={`${formatCount(line.quantity)} × ${line.category}`}
          amount={formatMoney(listAmountOf(line), currency)}
        />
        {discount !== null && (
          <AmountRow label={text.discount} amount={`−${formatMoney(discount, currency)}`} size="sm" c="dimmed" />
        )}
      </Stack>
    );
  });
}

interface RowProps extends Pick<TextProps, "size" | "c" | "fw"> {
  label: string;
  amount: string;
}

/** What it is on the left, and what it costs on the right. */
export function AmountRow({ label, amount, ...style }: RowProps) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="md">
      <Text {...style} style={{ overflowWrap: "anywhere" }}>
        {label}
      </Text>
      <Text {...style} style={{ flex: "none" }}>
        {amount}
      </Text>
    </Group>
  );
}
