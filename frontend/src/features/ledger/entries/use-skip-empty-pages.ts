import { useEffect, useState } from "react";

import type { EntryPage } from "@/shared/api/generated/model";

/** Empty pages that are loaded automatically: 4,000,000 positions. */
const MOST_EMPTY = 20;

interface Paged {
  data: { pages: readonly EntryPage[] } | undefined;
  hasNextPage: boolean;
  isFetching: boolean;
  isError: boolean;
  fetchNextPage: () => unknown;
}

/**
 * A filter may match nothing in a long stretch of the ledger. Loads such empty pages automatically, up to a bound,
 * past which `searchOn` continues. `emptyPages` counts the empty pages since the last entry.
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
