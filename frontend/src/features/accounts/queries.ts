import { queryOptions } from "@tanstack/react-query";

import { getSessions } from "@/shared/api/generated/accounts/accounts";
import { queryKey } from "@/shared/queries/query-key";

export function sessionsQuery() {
  return queryOptions({
    queryKey: queryKey("sessions"),
    queryFn: ({ signal }) => getSessions(undefined, signal),
  });
}
