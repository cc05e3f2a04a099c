import { queryOptions } from "@tanstack/react-query";

import { getMail, getMailbox } from "@/shared/api/generated/notifications/notifications";
import { queryKey } from "@/shared/queries/query-key";

/** Mails arrive by themselves: the list is read again this often. */
const REFRESH_MILLISECONDS = 3000;

export function mailboxQuery() {
  return queryOptions({
    queryKey: queryKey("mailbox"),
    queryFn: ({ signal }) => getMailbox(undefined, signal),
    refetchInterval: ({ state }) => (state.status === "error" ? false : REFRESH_MILLISECONDS),
  });
}

export function mailQuery(id: string) {
  return queryOptions({
    queryKey: queryKey("mailbox", id),
    queryFn: ({ signal }) => getMail(id, undefined, signal),
    staleTime: Infinity,
  });
}
