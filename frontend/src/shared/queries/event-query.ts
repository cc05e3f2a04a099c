import { queryOptions } from "@tanstack/react-query";

import { getEvent } from "@/shared/api/generated/events/events";
import { storeSeatsFrom } from "@/shared/live/seat-store";

import { queryKey } from "./query-key";

/** One event. Every screen that shows it shares the response; its seats go to the store of live seats. */
export function eventQuery(id: string) {
  return queryOptions({
    queryKey: queryKey("events", "detail", id),
    queryFn: async ({ signal }) => storeSeatsFrom(await getEvent(id, undefined, undefined, signal), (event) => [event]),
  });
}
