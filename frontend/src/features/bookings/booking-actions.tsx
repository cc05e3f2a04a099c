import { Button } from "@mantine/core";
import { IconCalendarPlus, IconPrinter } from "@tabler/icons-react";

import type { Booking, Event } from "@/shared/api/generated/model";

import type { DatedEvent } from "./calendar-file";
import { bookingsText } from "./strings";

/** Saves the event as a calendar file, whose link is `url`. Nothing without tickets or without a date. */
export function CalendarButton({ booking, event, url }: { booking: Booking; event: Event; url: string }) {
  if (booking.status !== "confirmed" || !isDated(event)) return null;
  const saveCalendarFile = async () => {
    const { calendarFile } = await import("./calendar-file");
    save(calendarFile(booking, event, url));
  };
  return (
    <Button
      variant="default"
      leftSection={<IconCalendarPlus size={18} aria-hidden />}
      onClick={() => void saveCalendarFile()}
    >
      {bookingsText.calendar}
    </Button>
  );
}

export function PrintButton() {
  return (
    <Button variant="default" leftSection={<IconPrinter size={18} aria-hidden />} onClick={() => window.print()}>
      {bookingsText.print}
    </Button>
  );
}

const isDated = (event: Event): event is DatedEvent => event.starts_at !== null;

function save(file: File): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  URL.revokeObjectURL(link.href);
}
