import { Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { LoadError } from "@/shared/feedback/load-error";
import { formatMoney } from "@/shared/formatting/money";
import { paymentsText } from "@/shared/strings/payments";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { MoneyAmount } from "./money-fields";
import type { BookingAmounts } from "./payable";
import { bookingPaymentsQuery } from "./queries";
import { RefundForm } from "./refund-form";
import { isNothingToDo, refundSourcesOf } from "./refund-sources";

const text = paymentsText.refund;

interface Props {
  booking: BookingAmounts;
  onDone: () => void;
  onCancel: () => void;
}

/** Pays back money of a booking, once it is known who received it. */
export function BookingRefund({ booking, onDone, onCancel }: Props) {
  // A form keeps the amounts that it began with, so what was cached before is read again first.
  const { data, error, refetch, isFetchedAfterMount } = useQuery(bookingPaymentsQuery(booking.id));
  if (data === undefined || !isFetchedAfterMount)
    return error === null ? <LoadingRows rows={3} /> : <LoadError error={error} onRetry={refetch} />;
  const sources = refundSourcesOf(booking, data.items);
  if (!isNothingToDo(sources))
    return <RefundForm booking={booking} sources={sources} onDone={onDone} onCancel={onCancel} />;
  return (
    <Stack gap="md">
      <MoneyAmount label={text.owed(booking.number)} amount={formatMoney(sources.byProvider.owed, booking.currency)} />
      <Text>{text.byItself}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          {text.close}
        </Button>
      </Group>
    </Stack>
  );
}
