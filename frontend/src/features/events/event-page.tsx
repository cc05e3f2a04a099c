import { Anchor, Badge, Group, Paper, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconArrowLeft, IconCalendarEvent, IconCash, IconMapPin, IconMoodEmpty, type Icon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatDoorsAndShow, formatDateTime, formatTimeRange } from "@/shared/formatting/date-times";
import { isFree } from "@/shared/formatting/money";
import { useLiveSeats } from "@/shared/live/use-live-seats";
import { Page } from "@/shared/navigation/page";
import { isPaidAtBoxOffice, isPaidHere } from "@/shared/payments/payable";
import { eventQuery } from "@/shared/queries/event-query";
import { dateTimesText } from "@/shared/strings/date-times";
import { paymentsText } from "@/shared/strings/payments";
import { isKnownTimeZone } from "@/shared/time/known-time-zone";
import { useNow } from "@/shared/time/use-now";

import { BookingForm } from "./booking-form";
import classes from "./event-page.module.css";
import { getEndTimes } from "./sale-state";
import { eventsText } from "./strings";

export function EventPage() {
  const { eventId = "" } = useParams();
  const query = eventQuery(eventId);
  const { data: event, error, refetch } = useQuery(query);
  useLiveSeats(event === undefined ? [] : [eventId], query.queryKey);

  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/" size="sm" w="fit-content">
        <Group gap={4} component="span">
          <IconArrowLeft size={16} aria-hidden />
          {eventsText.back}
        </Group>
      </Anchor>
      {event !== undefined ? (
        <Details event={event} />
      ) : error === null ? (
        <Skeleton height={420} radius="lg" />
      ) : isKind(error, "event-not-found", "malformed") ? (
        <Page title={eventsText.notFound.title}>
          <EmptyState icon={IconMoodEmpty} title="404" text={eventsText.notFound.text} />
        </Page>
      ) : (
        <LoadError error={error} onRetry={refetch} />
      )}
    </Stack>
  );
}

function Details({ event }: { event: Event }) {
  return (
    <Page
      title={event.name}
      lead={
        event.status === "active" ? undefined : (
          <Badge variant="light" color={event.status === "cancelled" ? "red" : "gray"}>
            {event.status === "cancelled" ? eventsText.cancelled : eventsText.past}
          </Badge>
        )
      }
    >
      <div className={classes.columns}>
        <Paper withBorder p={{ base: "md", sm: "lg" }} className={classes.facts ?? ""}>
          <Stack gap="md">
            <Fact icon={IconCalendarEvent} label={eventsText.when}>
              <When event={event} />
            </Fact>
            {event.venue !== "" && (
              <Fact icon={IconMapPin} label={eventsText.where}>
                <Text fw={600} style={{ overflowWrap: "anywhere" }}>
                  {event.venue}
                </Text>
              </Fact>
            )}
            {isPaidHere(event) && event.categories.some(({ price }) => !isFree(price)) && (
              <Fact icon={IconCash} label={paymentsText.payment}>
                {event.payment.methods.map((method) => (
                  <Text key={method} fw={600}>
                    {paymentsText.ways[method]}
                  </Text>
                ))}
                <Text size="sm" c="dimmed">
                  {isPaidAtBoxOffice(event) ? paymentsText.admitsOncePaid : paymentsText.bookedOncePaid}
                </Text>
              </Fact>
            )}
          </Stack>
        </Paper>
        <div className={classes.form}>
          <BookingForm key={event.id} event={event} />
        </div>
        {event.description !== "" && (
          <section className={classes.about} aria-labelledby="about">
            <Title order={2} size="h3" id="about" mb="xs">
              {eventsText.about}
            </Title>
            <Text maw="65ch" style={{ whiteSpace: "pre-line", overflowWrap: "anywhere" }}>
              {event.description}
            </Text>
          </section>
        )}
      </div>
    </Page>
  );
}

function When({ event }: { event: Event }) {
  const { starts_at, ends_at, show_at, timezone } = event;
  const { on, sales } = getEndTimes(event, useNow());
  return (
    <>
      {on === null || starts_at === null ? (
        <Text fw={600}>{formatTimeRange(starts_at, ends_at, timezone)}</Text>
      ) : (
        <>
          <Text fw={600}>{dateTimesText.onUntil(formatDateTime(on, timezone))}</Text>
          <Text>{dateTimesText.since(formatDateTime(starts_at, timezone))}</Text>
        </>
      )}
      {starts_at !== null && show_at !== null && <Text>{formatDoorsAndShow(starts_at, show_at, timezone)}</Text>}
      {sales !== null && <Text>{dateTimesText.salesUntil(formatDateTime(sales, timezone))}</Text>}
      {(starts_at !== null || sales !== null) && (
        <Text size="sm" c="dimmed">
          {(isKnownTimeZone(timezone) ? eventsText.timeZone : eventsText.unknownTimeZone)(
            timezone.replaceAll("_", " "),
          )}
        </Text>
      )}
    </>
  );
}

function Fact({ icon: FactIcon, label, children }: { icon: Icon; label: string; children: ReactNode }) {
  return (
    <Group wrap="nowrap" align="flex-start" gap="md">
      <ThemeIcon variant="light" size={40} radius="md">
        <FactIcon size={22} stroke={1.6} aria-hidden />
      </ThemeIcon>
      <div>
        <Text size="sm" c="dimmed">
          {label}
        </Text>
        {children}
      </div>
    </Group>
  );
}
