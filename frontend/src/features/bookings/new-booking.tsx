import { Alert, Text } from "@mantine/core";
import { IconConfetti } from "@tabler/icons-react";
import { useLocation } from "react-router";

import type { Booking } from "@/shared/api/generated/model";

import { PayFirst } from "./pay-first";
import { bookingsText } from "./strings";

/** Says that a booking was just made. The page that has led here says so in the history of this tab. */
export function NewBooking({ booking }: { booking: Booking }) {
  const { state } = useLocation() as { state: { isNew?: boolean } | null };
  if (state?.isNew !== true || booking.status !== "confirmed") return null;
  return (
    <Alert
      icon={<IconConfetti aria-hidden />}
      title={bookingsText.confirmation.title}
      variant="light"
      role="status"
      data-no-print
    >
      <Text size="sm">{bookingsText.confirmation.text(booking.tickets.length)}</Text>
      <PayFirst booking={booking} />
    </Alert>
  );
}
