import { Badge, VisuallyHidden } from "@mantine/core";
import { IconMapPin } from "@tabler/icons-react";
import { memo } from "react";
import { Link } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { DateStub } from "@/shared/calendar/date-stub";
import { formatDateTime, formatDay, formatTime } from "@/shared/formatting/date-times";
import { isFree, formatMoney } from "@/shared/formatting/money";
import { useSeats } from "@/shared/live/seat-store";
import { dateTimesText } from "@/shared/strings/date-times";

import classes from "./event-card.module.css";
import { getSaleState, getEndTimes, type SaleState } from "./sale-state";
import { eventsText } from "./strings";

/** The card shows two lines, and there may be hundreds of cards. */
const DESCRIPTION_LENGTH = 400;
/** From this number down the badge counts the last seats. */
const FEW = 10;

/**
 * An event as a ticket: its date on the stub. The whole card leads to the event.
 *
 * A page may have hundreds: the layout is plain elements and classes, at a tenth of the cost of components.
 */
export const EventCard = memo(function EventCard({ event, now }: { event: Event; now: number }) {
  const cheapest = event.categories.reduce((first, second) =>
    Number(second.price) < Number(first.price) ? second : first,
  );

  return (
    <article className={classes.card}>
      <DateStub at={event.starts_at} timeZone={event.timezone} />
      <div className={classes.body}>
        <h2 className={classes.name}>
          <Link to={`/events/${event.id}`} className={classes.link}>
            {event.name}
          </Link>
        </h2>
        <When event={event} now={now} />
        {event.venue !== "" && (
          <p className={classes.fact}>
            <IconMapPin size={16} stroke={1.6} aria-hidden className={classes.icon} />
            <span className={classes.venue}>{event.venue}</span>
          </p>
        )}
        {event.description !== "" && (
          <p className={classes.description}>{event.description.slice(0, DESCRIPTION_LENGTH)}</p>
        )}
        <div className={classes.foot}>
          <strong>
            {isFree(cheapest.price) ? eventsText.free : eventsText.from(formatMoney(cheapest.price, event.currency))}
          </strong>
          <SeatsLeftBadge event={event} now={now} />
        </div>
      </div>
    </article>
  );
});

/** The time, as far as the stub does not show it. */
function When({ event, now }: { event: Event; now: number }) {
  const { starts_at, timezone } = event;
  const until = untilLabel(event, now);
  if (starts_at === null) {
    return (
      <p className={classes.fact}>
        <VisuallyHidden>{dateTimesText.openDate}</VisuallyHidden>
        {until}
      </p>
    );
  }
  if (until !== null) return <p className={classes.fact}>{until}</p>;
  return (
    <time className={classes.fact} dateTime={starts_at} aria-label={formatDateTime(starts_at, timezone)}>
      {formatTime(starts_at, timezone)}
    </time>
  );
}

function untilLabel(event: Event, now: number): string | null {
  const { on, sales } = getEndTimes(event, now);
  if (on !== null) return dateTimesText.onUntil(formatDay(on, event.timezone));
  return sales === null ? null : dateTimesText.salesUntil(formatDay(sales, event.timezone));
}

/** The live part of a card: it alone is rendered again. */
function SeatsLeftBadge({ event, now }: { event: Event; now: number }) {
  const { available } = useSeats(event);
  const state = getSaleState(event, available, now);
  return (
    <Badge
      variant="light"
      tt="none"
      fw={600}
      color={state === "on-sale" && available <= FEW ? "orange" : COLOURS[state]}
    >
      {seatsLeftLabel(event, state, available)}
    </Badge>
  );
}

const COLOURS: Record<SaleState, string> = {
  "on-sale": "ledger",
  "sold-out": "gray",
  "not-open": "blue",
  closed: "gray",
  past: "gray",
  cancelled: "red",
  completed: "gray",
};

function seatsLeftLabel(event: Event, state: SaleState, available: number): string {
  switch (state) {
    case "on-sale":
      return available <= FEW ? eventsText.lastSeats(available) : eventsText.seatsLeft(available);
    case "sold-out":
      return eventsText.soldOut;
    case "not-open":
      return eventsText.salesFrom(formatDay(event.sales_open_at ?? "", event.timezone));
    case "closed":
      return eventsText.salesClosed;
    case "cancelled":
      return eventsText.cancelled;
    default:
      return eventsText.past;
  }
}
