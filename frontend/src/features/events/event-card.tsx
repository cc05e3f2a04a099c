import { Badge, Box, Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconMapPin } from "@tabler/icons-react";
import { memo } from "react";
import { Link } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { isFree, money } from "@/shared/formatting/money";
import { leaf, moment, time } from "@/shared/formatting/moments";
import { useSeats } from "@/shared/live/seat-store";
import { events } from "@/shared/strings/events";

import classes from "./event-card.module.css";
import { saleState } from "./sale-state";

/** From here on it is worth saying how few are left. */
const FEW = 10;

/** An event as a ticket: its date on the stub. The whole card leads to the event. */
export const EventCard = memo(function EventCard({ event, now }: { event: Event; now: number }) {
  const { available } = useSeats(event);
  const { weekday, day, month, year } = leaf(event.starts_at, event.timezone);
  const prices = event.categories.map(({ price }) => Number(price));
  const cheapest = event.categories[prices.indexOf(Math.min(...prices))]?.price ?? "0";

  return (
    <Card component="article" withBorder padding={0} radius="lg" className={classes.card ?? ""}>
      <Stack className={classes.stub ?? ""} gap={0} align="center" justify="center" aria-hidden>
        <Text className={classes.weekday ?? ""}>{weekday}</Text>
        <Text className={classes.day ?? ""}>{day}</Text>
        <Text className={classes.month ?? ""}>{month}</Text>
        <Text className={classes.year ?? ""}>{year}</Text>
      </Stack>
      <Stack gap={6} p="md" className={classes.body ?? ""}>
        <Title order={2} size="h4" lineClamp={2}>
          <Link to={`/events/${event.id}`} className={classes.link ?? ""}>
            {event.name}
          </Link>
        </Title>
        <Text size="sm" c="dimmed">
          <time dateTime={event.starts_at} aria-label={moment(event.starts_at, event.timezone)}>
            {time(event.starts_at, event.timezone)}
          </time>
        </Text>
        {event.venue !== "" && (
          <Group gap={4} wrap="nowrap" c="dimmed">
            <IconMapPin size={16} stroke={1.6} aria-hidden className={classes.icon} />
            <Text size="sm" truncate>
              {event.venue}
            </Text>
          </Group>
        )}
        <Group justify="space-between" mt="auto" pt={6} gap="xs">
          <Text fw={700}>{isFree(cheapest) ? events.free : events.from(money(cheapest, event.currency))}</Text>
          <Box aria-live="off">
            <Left event={event} available={available} now={now} />
          </Box>
        </Group>
      </Stack>
    </Card>
  );
});

function Left({ event, available, now }: { event: Event; available: number; now: number }) {
  switch (saleState(event, available, now)) {
    case "on-sale":
      return available <= FEW ? (
        <Badge color="orange" variant="light" className={classes.few ?? ""}>
          {events.lastSeats(available)}
        </Badge>
      ) : (
        <Badge variant="light">{events.seatsLeft(available)}</Badge>
      );
    case "sold-out":
      return (
        <Badge color="gray" variant="light">
          {events.soldOut}
        </Badge>
      );
    case "not-open":
      return (
        <Badge color="blue" variant="light">
          {events.salesFrom(moment(event.sales_open_at ?? "", event.timezone))}
        </Badge>
      );
    case "cancelled":
      return (
        <Badge color="red" variant="light">
          {events.cancelled}
        </Badge>
      );
    case "closed":
      return (
        <Badge color="gray" variant="light">
          {events.salesClosed}
        </Badge>
      );
    default:
      return (
        <Badge color="gray" variant="light">
          {events.past}
        </Badge>
      );
  }
}
