import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getEvents } from "@/shared/api/generated/events/events";
import {
  getWebhook,
  getWebhookDeliveries,
  getWebhookDelivery,
  getWebhooks,
} from "@/shared/api/generated/notifications/notifications";
import { queryKey } from "@/shared/queries/query-key";

/** Deliveries happen by themselves: the lists are read again this often. */
const REFRESH_MILLISECONDS = 3_000;
const PAGE_SIZE = 50;
const EVENT_OPTIONS = 20;

const refresh = ({ state }: { state: { status: string } }) => (state.status === "error" ? false : REFRESH_MILLISECONDS);

export function webhooksQuery() {
  return queryOptions({
    queryKey: queryKey("webhooks", "list"),
    queryFn: ({ signal }) => getWebhooks(undefined, signal),
    refetchInterval: refresh,
  });
}

export function webhookQuery(id: string) {
  return queryOptions({
    queryKey: queryKey("webhooks", "one", id),
    queryFn: ({ signal }) => getWebhook(id, undefined, signal),
    refetchInterval: refresh,
  });
}

export function deliveriesQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: queryKey("webhooks", "deliveries", id),
    queryFn: ({ pageParam, signal }) =>
      getWebhookDeliveries(
        id,
        { limit: PAGE_SIZE, ...(pageParam === null ? {} : { cursor: pageParam }) },
        undefined,
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: refresh,
  });
}

export function deliveryQuery(id: string, deliveryId: string) {
  return queryOptions({
    queryKey: queryKey("webhooks", "delivery", id, deliveryId),
    queryFn: ({ signal }) => getWebhookDelivery(id, deliveryId, undefined, signal),
    staleTime: Infinity,
  });
}

/** Events that a webhook can be about: of one organizer, or of all. */
export function findEventsOf(organizerId: string | null) {
  return async (q: string, signal: AbortSignal) => {
    const params = {
      limit: EVENT_OPTIONS,
      status: "all" as const,
      ...(q === "" ? {} : { q }),
      ...(organizerId === null ? {} : { organizer_id: organizerId }),
    };
    return (await getEvents(params, undefined, undefined, signal)).items;
  };
}
