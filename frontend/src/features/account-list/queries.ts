import { infiniteQueryOptions } from "@tanstack/react-query";

import { getUsers } from "@/shared/api/generated/accounts/accounts";
import { queryKey } from "@/shared/queries/query-key";

const PAGE_SIZE = 50;

export function accountsQuery(q: string) {
  return infiniteQueryOptions({
    queryKey: queryKey("accounts", q),
    queryFn: ({ pageParam, signal }) => {
      const params = {
        limit: PAGE_SIZE,
        ...(q === "" ? {} : { q }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return getUsers(params, undefined, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}
