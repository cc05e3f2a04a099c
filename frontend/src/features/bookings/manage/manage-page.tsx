import { Badge, Button, Group, Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconLinkOff, IconMailForward } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { resendConfirmation } from "@/shared/api/generated/bookings/bookings";
import type { ManagedBooking } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime, formatTimeRange } from "@/shared/formatting/date-times";
import { Page } from "@/shared/navigation/page";
import { signInPath } from "@/shared/navigation/return-path";
import { DownloadButton } from "@/shared/tables/download-button";

import { CalendarButton, PrintButton } from "../booking-actions";
import { EventCancelled } from "../event-cancelled";
import { NewBooking } from "../new-booking";
import { PaymentSummary } from "../payment-summary";
import { ResendButton } from "../resend-button";
import { bookingsText } from "../strings";
import { TicketCancellation } from "../ticket-cancellation";
import { TicketList } from "../ticket-list";
import { KeepInAccount } from "./keep-in-account";
import { LinkRenewal } from "./link-actions";
import { bearer, managedQuery, useManagedCanceller } from "./queries";
import { manageText } from "./strings";
import { useManageToken } from "./use-manage-token";

const text = manageText;

/** A booking that was made without an account, for whoever has the link that was mailed. */
export function ManagePage() {
  const { token, forget } = useManageToken();
  const [renewedFor, setRenewedFor] = useState<string | null>(null);

  if (renewedFor !== null) {
    return (
      <Page title={text.title}>
        <EmptyState icon={IconMailForward} title={text.renewed.title} text={text.renewed.text(renewedFor)} />
      </Page>
    );
  }
  if (token === null) return <NoBooking {...text.missing} />;
  return (
    <Managed
      key={token}
      token={token}
      forget={forget}
      onRenewed={(email) => {
        forget();
        setRenewedFor(email);
      }}
    />
  );
}

interface Props {
  token: string;
  forget: () => void;
  onRenewed: (email: string) => void;
}

function Managed({ token, ...actions }: Props) {
  const { data: managed, error, refetch } = useQuery(managedQuery(token));

  if (isKind(error, "link-superseded")) {
    const { title, text: why, action } = text.superseded;
    return (
      <NoBooking
        title={title}
        text={why}
        action={
          <Button component={Link} to={signInPath("/bookings")}>
            {action}
          </Button>
        }
      />
    );
  }
  if (isKind(error, "token-unknown", "booking-not-found")) return <NoBooking {...text.unknown} />;
  if (managed !== undefined) return <Details managed={managed} token={token} {...actions} />;
  return (
    <Page title={text.title}>
      {error === null ? <Skeleton height={420} radius="lg" /> : <LoadError error={error} onRetry={refetch} />}
    </Page>
  );
}

function NoBooking({ title, text: why, action }: { title: string; text: string; action?: React.ReactNode }) {
  return (
    <Page title={text.title}>
      <EmptyState
        icon={IconLinkOff}
        title={title}
        text={why}
        action={
          action ?? (
            <Button component={Link} to="/">
              {text.browse}
            </Button>
          )
        }
      />
    </Page>
  );
}

function Details({ managed, token, forget, onRenewed }: Props & { managed: ManagedBooking }) {
  const { booking, event, email } = managed;
  const when = formatTimeRange(event.starts_at, event.ends_at, event.timezone);
  const canceller = useManagedCanceller(token);

  return (
    <Page
      title={booking.event_name}
      lead={[when, event.venue].filter(Boolean).join(" · ")}
      actions={
        <Group gap="xs" data-no-print>
          <Button component={Link} to={`/events/${booking.event_id}`} variant="default">
            {bookingsText.event}
          </Button>
          <CalendarButton booking={booking} event={event} url={`${location.origin}/events/${event.id}`} />
          <PrintButton />
          <DownloadButton
            label={bookingsText.receipt}
            path="/api/manage/receipt"
            accept="text/plain"
            headers={bearer(token).headers}
            fileName={`receipt-${booking.number}.txt`}
          />
          {booking.status === "confirmed" && (
            <ResendButton of={token} email={email} ask={(headers) => resendConfirmation(headers, bearer(token))} />
          )}
          <TicketCancellation booking={booking} event={event} canceller={canceller} />
        </Group>
      }
    >
      <NewBooking booking={booking} />
      {event.status === "cancelled" && <EventCancelled booking={booking} />}
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
          <KeepInAccount booking={booking} email={email} forget={forget} />
        </Paper>
      </Group>
      <LinkRenewal token={token} email={email} onRenewed={onRenewed} />
    </Page>
  );
}
