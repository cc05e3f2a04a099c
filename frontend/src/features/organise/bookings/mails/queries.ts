import { infiniteQueryOptions } from "@tanstack/react-query";

import { getNotifications } from "@/shared/api/generated/notifications/notifications";
import { queryKey } from "@/shared/queries/query-key";

const PAGE_SIZE = 20;
/** What waits is sent within seconds: read again this often. */
const REFRESH_MILLISECONDS = 3_000;

/** The mails about a booking, newest first. */
export function mailsQuery(bookingId: string) {
  return infiniteQueryOptions({
    queryKey: queryKey("notifications", bookingId),
    queryFn: ({ pageParam, signal }) =>
      getNotifications(
        { booking_id: bookingId, limit: PAGE_SIZE, ...(pageParam === null ? {} : { cursor: pageParam }) },
        undefined,
        undefined,
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) => {
      const isWaiting = state.data?.pages.some(({ items }) => items.some((one) => one.state === "due")) === true;
      return state.status !== "error" && isWaiting ? REFRESH_MILLISECONDS : false;
    },
  });
}
