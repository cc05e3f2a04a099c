import { Group, Stack, Text } from "@mantine/core";

import type { Booking } from "@/shared/api/generated/model";
import { money } from "@/shared/formatting/money";

import { bookings } from "./strings";

/** What was paid, line by line, and what of it went back. */
export function Payment({ booking }: { booking: Booking }) {
  const { currency } = booking;
  return (
    <Stack gap={6}>
      {booking.lines.map((line) => (
        <Row
          key={`${line.category} ${line.unit_price}`}
          label={bookings.line(line.quantity, line.category)}
          amount={money(line.amount, currency)}
        />
      ))}
      <Row label={bookings.total} amount={money(booking.total_amount, currency)} isStrong />
      {Number(booking.refunded_amount) > 0 && (
        <Row label={bookings.refunded} amount={`−${money(booking.refunded_amount, currency)}`} />
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
