import { Badge, Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { Link } from "react-router";

import type { Booking, Event } from "@/shared/api/generated/model";
import { DateStub } from "@/shared/calendar/date-stub";
import { formatStart } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";
import { PaymentBadge } from "@/shared/payments/payment-badge";

import classes from "./booking-card.module.css";
import { bookingsText } from "./strings";
import { priceOf } from "./ticket-prices";

/** A booking in a list; the whole card is a link to its tickets. */
export function BookingCard({ booking, event }: { booking: Booking; event: Event | undefined }) {
  const isOff = booking.status === "cancelled";
  const standing = booking.tickets.filter(({ status }) => status !== "cancelled");
  // Of the tickets that are left; of a cancelled booking, what it was.
  const amount = isOff ? booking.total_amount : priceOf(booking, standing);

  return (
    <Card component="article" withBorder p={0} radius="lg" className={classes.card ?? ""}>
      {event !== undefined && <DateStub at={event.starts_at} timeZone={event.timezone} isOff={isOff} />}
      <Group justify="space-between" wrap="nowrap" gap="md" p="md" flex={1} miw={0}>
        <Stack gap={4} miw={0}>
          <Group gap="xs">
            <Title order={2} size="h4" lineClamp={2}>
              <Link to={`/bookings/${booking.id}`} className={classes.link ?? ""}>
                {booking.event_name}
              </Link>
            </Title>
            {isOff && (
              <Badge color="gray" variant="light">
                {bookingsText.bookingStatus.cancelled}
              </Badge>
            )}
            <PaymentBadge status={booking.payment_status} />
          </Group>
          {event !== undefined && (
            <Text size="sm" c="dimmed">
              {[formatStart(event.starts_at, event.timezone), event.venue].filter(Boolean).join(" · ")}
            </Text>
          )}
          <Text size="sm">
            {[
              bookingsText.tickets(isOff ? booking.tickets.length : standing.length),
              formatMoney(amount, booking.currency),
              bookingsText.number(booking.number),
            ].join(" · ")}
          </Text>
        </Stack>
        <IconChevronRight size={22} aria-hidden className={classes.icon} />
      </Group>
    </Card>
  );
}
