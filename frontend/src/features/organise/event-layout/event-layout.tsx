import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { IconArrowLeft, IconCalendarOff, IconExternalLink, IconLock } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, NavLink, Outlet, useLocation, useOutletContext, useParams } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatTimeRange } from "@/shared/formatting/date-times";
import { useLiveSeats } from "@/shared/live/use-live-seats";
import { Page } from "@/shared/navigation/page";
import { isPaidHere } from "@/shared/payments/payable";
import { eventQuery } from "@/shared/queries/event-query";
import { useSession } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { StatusBadge } from "../status-badge";
import { organiseText } from "../strings";
import classes from "./event-layout.module.css";
import { eventLayoutText } from "./strings";

const text = eventLayoutText;
const SECTIONS = [
  ["", text.overview],
  ["bookings", text.bookings],
  ["sell", text.sell],
  ["check-in", text.checkIn],
  ["payments", text.payments],
  ["codes", text.codes],
  ["messages", text.messages],
  ["edit", text.edit],
] as const;

/** The event of the surrounding layout. */
export const useEvent = () => useOutletContext<Event>();

/** The layout of the pages of one event: its title and the navigation between them. */
export function EventLayout() {
  const { eventId = "" } = useParams();
  const { account } = useSession();
  const query = eventQuery(eventId);
  const { data: event, error, refetch } = useQuery(query);
  useLiveSeats(event === undefined ? [] : [event.id], query.queryKey);

  if (event === undefined) {
    if (error === null) return <Page title={appText.loading} children={<LoadingRows />} />;
    if (isKind(error, "event-not-found", "malformed")) return <NotFound />;
    return <Page title={organiseText.title} children={<LoadError error={error} onRetry={refetch} />} />;
  }
  if (account?.role !== "admin" && event.organizer_id !== account?.id) {
    const { title, text: why } = text.notYours;
    return <Page title={event.name} children={<EmptyState icon={IconLock} title={title} text={why} />} />;
  }
  return <EventSections event={event} />;
}

function EventSections({ event }: { event: Event }) {
  const path = useLocation().pathname.split("/")[3] ?? "";
  const section = SECTIONS.find(([one]) => one === path)?.[1] ?? text.overview;

  return (
    <Stack gap="lg">
      <BackToAll />
      <Page
        title={event.name}
        documentTitle={`${section} · ${event.name}`}
        lead={
          <Stack gap={4}>
            <Text size="md">{formatTimeRange(event.starts_at, event.ends_at, event.timezone)}</Text>
            {event.venue !== "" && <Text size="md">{event.venue}</Text>}
            <Group gap="sm">
              <StatusBadge status={event.status} />
              <Anchor component={Link} to={`/events/${event.id}`} size="sm">
                {text.public} <IconExternalLink size={14} aria-hidden className={classes.inline} />
              </Anchor>
            </Group>
          </Stack>
        }
      >
        <nav aria-label={text.sections} className={classes.sections} data-no-print>
          {SECTIONS.map(([to, label]) => (
            <NavLink key={to} to={to === "" ? `/organise/${event.id}` : to} end className={classes.section ?? ""}>
              {label}
            </NavLink>
          ))}
        </nav>
        <Outlet context={event} />
      </Page>
    </Stack>
  );
}

function BackToAll() {
  return (
    <Anchor component={Link} to="/organise" size="sm" data-no-print>
      <IconArrowLeft size={16} aria-hidden className={classes.inline} /> {text.back}
    </Anchor>
  );
}

function NotFound() {
  const { title, text: why, action } = text.notFound;
  const back = (
    <Button component={Link} to="/organise" variant="light">
      {action}
    </Button>
  );
  return (
    <Page title={title}>
      <EmptyState icon={IconCalendarOff} title={title} text={why} action={back} />
    </Page>
  );
}

/** Replaces actions that a closed event does not allow. */
export function ClosedEvent({ event, status }: { event: Event; status: "cancelled" | "completed" }) {
  const { title, text: why } = text.over[status === "cancelled" && isPaidHere(event) ? "cancelledOwing" : status];
  return <EmptyState icon={IconLock} title={title} text={why} />;
}
