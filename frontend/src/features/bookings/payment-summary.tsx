import { Group, Stack, Text } from "@mantine/core";

import type { Booking } from "@/shared/api/generated/model";
import { formatMoney } from "@/shared/formatting/money";

import { bookingsText } from "./strings";

/** The amounts of a booking, line by line, and its refund. */
export function PaymentSummary({ booking }: { booking: Booking }) {
  const { currency } = booking;
  return (
    <Stack gap={6}>
      {booking.lines.map((line) => (
        <Row
          key={`${line.category} ${line.unit_price}`}
          label={bookingsText.line(line.quantity, line.category)}
          amount={formatMoney(line.amount, currency)}
        />
      ))}
      <Row label={bookingsText.total} amount={formatMoney(booking.total_amount, currency)} isStrong />
      {Number(booking.refunded_amount) > 0 && (
        <Row label={bookingsText.refunded} amount={`−${formatMoney(booking.refunded_amount, currency)}`} />
      )}
    </Stack>
  );
}

function Row({ label, amount, isStrong = false }: { label: string; amount: string; isStrong?: boolean }) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="md">
      <Text fw={isStrong ? 700 : 400} style={{ overflowWrap: "anywhere" }}>
        {label}
      </Text>
      <Text fw={isStrong ? 700 : 400}>{amount}</Text>
    </Group>
  );
}
