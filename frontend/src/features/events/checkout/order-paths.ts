import type { Event, Hold } from "@/shared/api/generated/model";

import { formatSelection, SELECTION_PARAMETER } from "../ticket-selection";
import type { HeldSeats } from "./held-seats";

/** Where the buyer of held seats says who they are. */
export function detailsPath(hold: Hold): string {
  return `/events/${hold.event_id}/checkout/${hold.id}`;
}

/** Where the tickets are: by the link of a guest, or in the account. */
export function ticketsPath(hold: Hold, held: HeldSeats | null): string {
  return held === null || held.token === null || held.isAccounts === true
    ? `/bookings/${hold.id}`
    : `/manage#${held.token}`;
}

/** The page of the event, with what was chosen. */
export function selectionPath(hold: Hold, event: Event | undefined): string {
  const chosen = hold.lines.map((line): [string, number] => [
    event?.categories.find(({ name }) => name === line.category)?.id ?? "",
    line.quantity,
  ]);
  const selection = formatSelection(Object.fromEntries(chosen));
  return `/events/${hold.event_id}?${new URLSearchParams({ [SELECTION_PARAMETER]: selection })}`;
}
