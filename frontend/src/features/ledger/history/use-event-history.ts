import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { historyQuery } from "../queries";

/** Pages that are loaded automatically: 2,000 entries. */
const PAGES_AT_ONCE = 10;

/** The entries of one event, from the first. `readOn` loads the next part of a long history. */
export function useEventHistory(eventId: string) {
  const [bound, setBound] = useState(PAGES_AT_ONCE);
  const list = useInfiniteQuery(historyQuery(eventId));
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = list;
  const pages = data?.pages.length ?? 0;
  const goesOn = hasNextPage && pages < bound;

  useEffect(() => {
    if (goesOn && !isFetching && !isError) void fetchNextPage();
  }, [goesOn, isFetching, isError, fetchNextPage]);

  return {
    entries: data?.pages.flatMap((page) => page.items) ?? [],
    isReading: goesOn && !isError,
    hasMore: hasNextPage,
    readOn: () => setBound(pages + PAGES_AT_ONCE),
    isPending: list.isPending,
    error: list.error,
    retry: () => (data === undefined ? list.refetch() : fetchNextPage()),
  };
}
