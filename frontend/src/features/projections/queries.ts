import { queryOptions } from "@tanstack/react-query";

import { getProjections } from "@/shared/api/generated/system/system";
import { queryKey } from "@/shared/queries/query-key";

const POLL_MILLISECONDS = 2_000;

/** Where each projection is. Asked for again while the page is visible. */
export function projectionsQuery() {
  return queryOptions({
    queryKey: queryKey("projections"),
    queryFn: ({ signal }) => getProjections(undefined, undefined, signal),
    refetchInterval: POLL_MILLISECONDS,
  });
}
