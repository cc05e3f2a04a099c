import { Anchor, Badge, Group, Paper, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconArrowLeft, IconCalendarEvent, IconMapPin, IconMoodEmpty, type Icon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { LoadFailed } from "@/shared/feedback/load-failed";
import { NothingHere } from "@/shared/feedback/nothing-here";
import { doorsAndShow, moment, span } from "@/shared/formatting/moments";
import { useLiveSeats } from "@/shared/live/use-live-seats";
import { Page } from "@/shared/navigation/page";
import { eventQuery } from "@/shared/queries/event-query";
import { moments } from "@/shared/strings/moments";
import { useNow } from "@/shared/time/use-now";

import { BookingForm } from "./booking-form";
import classes from "./event-page.module.css";
import { untilWhen } from "./sale-state";
import { events } from "./strings";

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
          {events.back}
        </Group>
      </Anchor>
      {event !== undefined ? (
        <Details event={event} />
      ) : error === null ? (
        <Skeleton height={420} radius="lg" />
      ) : isKind(error, "event-not-found", "malformed") ? (
        <Page title={events.notFound.title}>
          <NothingHere icon={IconMoodEmpty} title="404" text={events.notFound.text} />
        </Page>
      ) : (
        <LoadFailed error={error} onRetry={refetch} />
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
            {event.status === "cancelled" ? events.cancelled : events.past}
          </Badge>
        )
      }
    >
      <div className={classes.columns}>
        <Paper withBorder p={{ base: "md", sm: "lg" }} className={classes.facts ?? ""}>
          <Stack gap="md">
            <Fact icon={IconCalendarEvent} label={events.when}>
              <When event={event} />
            </Fact>
            {event.venue !== "" && (
              <Fact icon={IconMapPin} label={events.where}>
                <Text fw={600} style={{ overflowWrap: "anywhere" }}>
                  {event.venue}
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
              {events.about}
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
  const { on, sales } = untilWhen(event, useNow());
  return (
    <>
      {on === null || starts_at === null ? (
        <Text fw={600}>{span(starts_at, ends_at, timezone)}</Text>
      ) : (
        <>
          <Text fw={600}>{moments.onUntil(moment(on, timezone))}</Text>
          <Text>{moments.since(moment(starts_at, timezone))}</Text>
        </>
      )}
      {starts_at !== null && show_at !== null && <Text>{doorsAndShow(starts_at, show_at, timezone)}</Text>}
      {sales !== null && <Text>{moments.salesUntil(moment(sales, timezone))}</Text>}
      {(starts_at !== null || sales !== null) && (
        <Text size="sm" c="dimmed">
          {events.timeZone(timezone.replaceAll("_", " "))}
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
