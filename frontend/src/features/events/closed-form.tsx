import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconInfoCircle } from "@tabler/icons-react";
import { Link } from "react-router";

import type { Booking, Event } from "@/shared/api/generated/model";
import { formatDateTime } from "@/shared/formatting/date-times";
import { isPaidHere } from "@/shared/payments/payable";

import { checkoutText } from "./checkout/strings";
import type { SaleState } from "./sale-state";
import { eventsText } from "./strings";
import type { Guest } from "./use-booking";

/** Shown until the page of the booking has loaded, or after going back before that. */
export function Booked({ booking, guest }: { booking: Booking; guest: Guest | null }) {
  const { title, action } = eventsText.booking.booked;
  const to =
    guest === null
      ? { to: `/bookings/${booking.id}` }
      : { to: `/events/${booking.event_id}/booked`, state: { booking, email: guest.contact.email } };
  return (
    <Alert icon={<IconCircleCheck aria-hidden />} title={title} role="status">
      <Button component={Link} {...to} size="xs" variant="default">
        {action}
      </Button>
    </Alert>
  );
}

interface ClosedProps {
  event: Event;
  state: Exclude<SaleState, "on-sale">;
  heldByOthers: number;
}

/** Why nothing can be booked now. */
export function Closed({ event, state, heldByOthers }: ClosedProps) {
  const { title, text } =
    eventsText.booking.closed[state === "past" && event.past_at !== event.starts_at ? "over" : state];
  const sentence =
    state === "not-open"
      ? eventsText.salesFrom(formatDateTime(event.sales_open_at ?? "", event.timezone))
      : state === "cancelled" && isPaidHere(event)
        ? eventsText.booking.closed.cancelledOwing
        : text;
  return (
    <Alert
      icon={<IconInfoCircle aria-hidden />}
      color={state === "cancelled" ? "red" : "gray"}
      title={title}
      role="status"
    >
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{sentence}</Text>
        {state === "sold-out" && heldByOthers > 0 && (
          <Text size="sm" fw={600}>
            {checkoutText.over.mayComeBack(heldByOthers)}
          </Text>
        )}
        {state !== "not-open" && (
          <Button component={Link} to="/" size="xs" variant="default">
            {eventsText.booking.seeOthers}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
