import type { Event } from "@/shared/api/generated/model";
import { formatDateTime } from "@/shared/formatting/date-times";

import { eventsText } from "./strings";

/** Says that bookings are binding, and until when tickets can be cancelled. */
export function bindingUntil({ starts_at, past_at, sales_close_at, timezone }: Event): string {
  const { binding } = eventsText.booking;
  const until = starts_at === null ? sales_close_at : past_at;
  if (until === null) return binding.untilUsed;
  return until === starts_at ? binding.untilStart : binding.until(formatDateTime(until, timezone));
}
