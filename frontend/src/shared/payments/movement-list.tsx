import { Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { MoneyMovement, MovementKind } from "@/shared/api/generated/model";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";
import { paymentsText } from "@/shared/strings/payments";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { bookingPaymentsQuery } from "./queries";

const text = paymentsText.movements;

/** What was paid, is owed and was paid back for a booking, the oldest first. */
export function BookingMovements({ bookingId }: { bookingId: string }) {
  const { data, error, refetch } = useQuery(bookingPaymentsQuery(bookingId));
  if (data?.items.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-labelledby="movements">
      <Title order={3} size="h4" id="movements">
        {text.title}
      </Title>
      {data !== undefined ? (
        <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
          {data.items.map((movement) => (
            <Movement key={`${movement.position} ${movement.kind}`} movement={movement} currency={data.currency} />
          ))}
        </Stack>
      ) : error === null ? (
        <LoadingRows rows={2} height={40} />
      ) : (
        <LoadError error={error} onRetry={refetch} />
      )}
    </Stack>
  );
}

function Movement({ movement, currency }: { movement: MoneyMovement; currency: string }) {
  const { kind, amount, at } = movement;
  return (
    <Group component="li" justify="space-between" align="flex-start" wrap="nowrap" gap="md">
      <div style={{ minWidth: 0 }}>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {describe(movement)}
        </Text>
        <Text size="xs" c="dimmed">
          {formatLocalDateTime(at)}
        </Text>
      </div>
      <Text size="sm" style={{ flex: "none" }} {...(isMoved(kind) ? {} : { c: "dimmed" })}>
        {`${kind === "paid-back" ? "−" : ""}${formatMoney(amount, currency)}`}
      </Text>
    </Group>
  );
}

/** Whether money has changed hands. */
function isMoved(kind: MovementKind): boolean {
  return kind === "received" || kind === "paid-back";
}

function describe({ kind, method, reason, reference }: MoneyMovement): string {
  const how = method === null ? "" : (paymentsText.methods[method] ?? method).toLowerCase();
  const why = reason === null ? "" : ((kind === "failed" ? text.failures : text.reasons)[reason] ?? reason);
  const parts = [how, why, reference === "" ? "" : text.reference(reference)];
  const details = parts.filter((part) => part !== "").join(", ");
  return details === "" ? text.kinds[kind] : `${text.kinds[kind]}: ${details}`;
}
