import { Alert, Anchor, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconArrowLeft, IconConfetti, IconTicket } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useParams } from "react-router";

import type { Event, MadeBooking } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { formatLocalDateTime, formatTimeRange } from "@/shared/formatting/date-times";
import { Page } from "@/shared/navigation/page";
import { aboutQuery } from "@/shared/queries/about-query";

import { CalendarButton, PrintButton } from "./booking-actions";
import { PayFirst } from "./pay-first";
import { PaymentSummary } from "./payment-summary";
import { bookedEventQuery } from "./queries";
import { bookingsText } from "./strings";
import { TicketList } from "./ticket-list";

const text = bookingsText.guest;

/** What a guest has booked, right after it. The history of this tab has the booking: nobody without an account can ask for it. */
export function GuestBookingPage() {
  const { eventId = "" } = useParams();
  const { state } = useLocation() as { state: { booking: MadeBooking; email: string } | null };
  const { data: event } = useQuery(bookedEventQuery(eventId));

  return (
    <Stack gap="lg">
      <Anchor component={Link} to={`/events/${eventId}`} size="sm" w="fit-content" data-no-print>
        <Group gap={4} component="span">
          <IconArrowLeft size={16} aria-hidden />
          {bookingsText.event}
        </Group>
      </Anchor>
      {state === null ? (
        <Page title={text.gone.title}>
          <EmptyState icon={IconTicket} title={text.gone.title} text={text.gone.text} />
        </Page>
      ) : (
        <Booked booking={state.booking} email={state.email} event={event} />
      )}
    </Stack>
  );
}

function Booked({ booking, email, event }: { booking: MadeBooking; email: string; event: Event | undefined }) {
  const { data: about } = useQuery(aboutQuery());
  const when = event === undefined ? "" : formatTimeRange(event.starts_at, event.ends_at, event.timezone);
  const address = new URL(`/events/${booking.event_id}`, location.origin).href;
  return (
    <Page
      title={booking.event_name}
      lead={[when, event?.venue].filter(Boolean).join(" · ")}
      actions={
        <Group gap="xs" data-no-print>
          {event !== undefined && <CalendarButton booking={booking} event={event} url={address} />}
          <PrintButton />
          {booking.manage_url != null && (
            <Button component={Link} to={pathOf(booking.manage_url)} variant="default">
              {text.manage}
            </Button>
          )}
        </Group>
      }
    >
      <Alert
        icon={<IconConfetti aria-hidden />}
        title={bookingsText.confirmation.title}
        variant="light"
        role="status"
        data-no-print
      >
        <Text size="sm">{bookingsText.confirmation.text(booking.tickets.length)}</Text>
        <PayFirst booking={booking} />
        <Text size="sm" mt={4}>
          {about?.has_mail === true ? text.mailed(email) : text.keep}
        </Text>
      </Alert>
      <section aria-labelledby="tickets">
        <Title order={2} size="h3" id="tickets" mb="md">
          {bookingsText.ticketsTitle}
        </Title>
        <TicketList booking={booking} moment={when} />
      </section>
      <Group align="stretch" gap="md">
        <Paper withBorder p="lg" miw={280} flex={1} component="section" aria-labelledby="payment">
          <Stack gap="sm">
            <Title order={2} size="h3" id="payment">
              {bookingsText.summary}
            </Title>
            <PaymentSummary booking={booking} />
            <Text size="sm" c="dimmed">
              {`${bookingsText.number(booking.number)} · ${bookingsText.bookedAt(formatLocalDateTime(booking.booked_at))}`}
            </Text>
          </Stack>
        </Paper>
        <Paper withBorder p="lg" miw={280} flex={1} component="section" aria-labelledby="account" data-no-print>
          <Stack gap="sm" align="flex-start">
            <Title order={2} size="h3" id="account">
              {text.account.title}
            </Title>
            <Text>{text.account.text}</Text>
            <Button component={Link} to="/sign-up" state={{ email }} variant="default">
              {text.account.action}
            </Button>
          </Stack>
        </Paper>
      </Group>
    </Page>
  );
}

/** On this site, whatever name it was reached by. */
function pathOf(address: string): string {
  const { pathname, hash } = new URL(address);
  return pathname + hash;
}
