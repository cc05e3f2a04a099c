import { useEffect, useState } from "react";

import type { EntryPage } from "@/shared/api/generated/model";

/** Empty pages that are gone through without being asked: 4,000,000 places. */
const MOST_EMPTY = 20;

interface Paged {
  data: { pages: readonly EntryPage[] } | undefined;
  hasNextPage: boolean;
  isFetching: boolean;
  isError: boolean;
  fetchNextPage: () => unknown;
}

/**
 * A search may find nothing in a long stretch of the ledger and go on behind it. Goes through such pages by itself, up to a bound,
 * past which one has to say `searchOn`. `emptyPages` counts those that it went through since the last entry.
 */
export function useSkipEmptyPages(list: Paged) {
  const [bound, setBound] = useState(MOST_EMPTY);
  const pages = list.data?.pages ?? [];
  const emptyPages = pages.length - 1 - pages.findLastIndex(({ items }) => items.length > 0);
  const isUnfinished = list.hasNextPage && emptyPages > 0;
  const goesOn = isUnfinished && emptyPages < bound;
  const { isFetching, isError, fetchNextPage } = list;

  useEffect(() => {
    if (goesOn && !isFetching && !isError) void fetchNextPage();
  }, [goesOn, isFetching, isError, fetchNextPage]);

  return {
    emptyPages,
    isSearching: goesOn && !isError,
    isPaused: isUnfinished && !goesOn,
    searchOn: () => setBound(emptyPages + MOST_EMPTY),
  };
}
