import { queryOptions, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";

import { getMe } from "@/shared/api/generated/accounts/accounts";
import type { Account } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { queryKey } from "@/shared/queries/query-key";

const KEY = queryKey("session");

/** What anybody may read: it is kept when a session ends. */
const PUBLIC = queryKey("events");

/** The API sets it with the session, for scripts to read: without it nobody is signed in, and nobody need ask. */
const hasSession = () => document.cookie.includes("seatledger_csrf=");

const session = queryOptions({
  queryKey: KEY,
  queryFn: async ({ signal }): Promise<Account | null> => {
    if (!hasSession()) return null;
    try {
      return await getMe(undefined, signal);
    } catch (error) {
      if (isKind(error, "not-signed-in")) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

/** Who is signed in: `account` is null for nobody, and while that is not known yet, when `isKnown` is false. */
export function useSession(): { account: Account | null; isKnown: boolean } {
  const { data, isError } = useQuery(session);
  return { account: data ?? null, isKnown: data !== undefined || isError };
}

/** What else was asked for was asked for as somebody else: it is forgotten. */
export function useStartSession(): (account: Account) => void {
  const queries = useQueryClient();
  return (account) => {
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
    queries.setQueryData(KEY, account);
  };
}

declare module "@tanstack/react-query" {
  interface Register {
    mutationMeta: {
      /** It sends what somebody has spent time to enter: if their session has ended, the page with it stays, and says so. */
      isDraft?: boolean;
    };
  }
}

/** For a mutation of a form with a `SignInElsewhere`. */
export const DRAFT = { mutation: { meta: { isDraft: true } } };

/** What everybody may see of events stays, for the page that one is left on; all else is forgotten. */
export function endSession(queries: QueryClient): void {
  queries.setQueryData(KEY, null);
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] && queryKey[0] !== PUBLIC[0] });
}

export function useUpdateSession(): (account: Account) => void {
  const queries = useQueryClient();
  return (account) => {
    queries.setQueryData(KEY, account);
  };
}
