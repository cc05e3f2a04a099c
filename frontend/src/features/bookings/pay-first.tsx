import { Text } from "@mantine/core";

import type { Booking } from "@/shared/api/generated/model";
import { formatMoney } from "@/shared/formatting/money";

import { bookingsText } from "./strings";

/** Says of a booking that was just made what has to be paid before its tickets admit. */
export function PayFirst({ booking }: { booking: Booking }) {
  if (booking.payment_status !== "due") return null;
  return (
    <Text size="sm" mt={4} fw={600}>
      {bookingsText.payFirst(formatMoney(booking.due_amount, booking.currency))}
    </Text>
  );
}
