import { createEvent, type DateTime } from "ics";

import type { Booking, Event } from "@/shared/api/generated/model";

const DEFAULT_HOURS = 2;

/** Calendars need a date. */
export type DatedEvent = Event & { starts_at: string };

/** An iCalendar file (RFC 5545) with the event, in UTC. Throws the library's error. */
export function calendarFile(booking: Booking, event: DatedEvent, url: string): File {
  const { value, error } = createEvent({
    // As in the calendar file of the mail (notifications/mail/calendar_file.py): one entry, whichever a customer adds.
    uid: `${event.id}@seatledger`,
    productId: "seatledger",
    title: event.name,
    start: parts(event.starts_at),
    startInputType: "utc",
    startOutputType: "utc",
    ...(event.ends_at === null
      ? { duration: { hours: DEFAULT_HOURS } }
      : { end: parts(event.ends_at), endInputType: "utc" as const, endOutputType: "utc" as const }),
    location: event.venue,
    description: event.description,
    url,
    status: "CONFIRMED",
    busyStatus: "BUSY",
  });
  if (error) throw error;
  return new File([value ?? ""], `seatledger-${booking.number}.ics`, { type: "text/calendar" });
}

function parts(at: string): DateTime {
  const date = new Date(at);
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
}
