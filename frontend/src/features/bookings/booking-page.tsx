import { Anchor, Badge, Button, Group, Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconArrowLeft, IconMoodEmpty } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";

import { resendTickets } from "@/shared/api/generated/bookings/bookings";
import type { Booking, Event } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime, formatTimeRange } from "@/shared/formatting/date-times";
import { isFree } from "@/shared/formatting/money";
import { Page } from "@/shared/navigation/page";
import { BookingMovements } from "@/shared/payments/movement-list";
import { aboutQuery } from "@/shared/queries/about-query";
import { useSession } from "@/shared/session/session";
import { DownloadButton } from "@/shared/tables/download-button";

import { CalendarButton, PrintButton } from "./booking-actions";
import { EventCancelled } from "./event-cancelled";
import { NewBooking } from "./new-booking";
import { PaymentSummary } from "./payment-summary";
import { bookedEventQuery, bookingQuery } from "./queries";
import { bookingsText } from "./strings";
import { ResendButton } from "./resend-button";
import { TicketCancellation } from "./ticket-cancellation";
import { TicketList } from "./ticket-list";
import { useOwnCanceller } from "./use-ticket-cancellation";

export function BookingPage() {
  const { bookingId = "" } = useParams();
  const { data: booking, error, refetch } = useQuery(bookingQuery(bookingId));
  const { data: event } = useQuery({ ...bookedEventQuery(booking?.event_id ?? ""), enabled: booking !== undefined });

  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/bookings" size="sm" w="fit-content" data-no-print>
        <Group gap={4} component="span">
          <IconArrowLeft size={16} aria-hidden />
          {bookingsText.back}
        </Group>
      </Anchor>
      {booking !== undefined ? (
        <Details booking={booking} event={event} />
      ) : error === null ? (
        <Skeleton height={420} radius="lg" />
      ) : isKind(error, "booking-not-found", "malformed") ? (
        <Page title={bookingsText.notFound.title}>
          <EmptyState icon={IconMoodEmpty} title="404" text={bookingsText.notFound.text} />
        </Page>
      ) : (
        <LoadError error={error} onRetry={refetch} />
      )}
    </Stack>
  );
}

function Details({ booking, event }: { booking: Booking; event: Event | undefined }) {
  const when = event === undefined ? "" : formatTimeRange(event.starts_at, event.ends_at, event.timezone);

  return (
    <Page
      title={booking.event_name}
      lead={[when, event?.venue].filter(Boolean).join(" · ")}
      actions={<Actions booking={booking} event={event} />}
    >
      <NewBooking booking={booking} />
      {event?.status === "cancelled" && <EventCancelled booking={booking} />}
      <section aria-labelledby="tickets">
        <Group mb="md" gap="sm">
          <Title order={2} size="h3" id="tickets">
            {bookingsText.ticketsTitle}
          </Title>
          {booking.status === "cancelled" && (
            <Badge color="gray" variant="light">
              {bookingsText.bookingStatus.cancelled}
            </Badge>
          )}
        </Group>
        <TicketList booking={booking} moment={when} />
      </section>
      <Paper withBorder p="lg" maw={520} component="section" aria-labelledby="payment">
        <Stack gap="sm">
          <Title order={2} size="h3" id="payment">
            {bookingsText.summary}
          </Title>
          <PaymentSummary booking={booking} />
          {!isFree(booking.paid_amount) && <BookingMovements bookingId={booking.id} />}
          <Text size="sm" c="dimmed">
            {`${bookingsText.number(booking.number)} · ${bookingsText.bookedAt(formatLocalDateTime(booking.booked_at))}`}
          </Text>
        </Stack>
      </Paper>
    </Page>
  );
}

function Actions({ booking, event }: { booking: Booking; event: Event | undefined }) {
  const canceller = useOwnCanceller(booking);
  const { data: about } = useQuery(aboutQuery());
  const { account } = useSession();
  return (
    <Group gap="xs" data-no-print>
      <Button component={Link} to={`/events/${booking.event_id}`} variant="default">
        {bookingsText.event}
      </Button>
      {event !== undefined && <CalendarButton booking={booking} event={event} url={location.href} />}
      <PrintButton />
      <DownloadButton
        label={bookingsText.receipt}
        path={`/api/bookings/${booking.id}/receipt`}
        accept="text/plain"
        fileName={`receipt-${booking.number}.txt`}
      />
      {about?.has_mail === true && booking.status === "confirmed" && booking.customer_id !== null && (
        <ResendButton
          of={booking.id}
          email={account?.role === "customer" ? account.email : null}
          ask={(headers) => resendTickets(booking.id, headers)}
        />
      )}
      {event !== undefined && <TicketCancellation booking={booking} event={event} canceller={canceller} />}
    </Group>
  );
}
