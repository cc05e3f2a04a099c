import { queryOptions, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";

import { csrfCookie } from "@/shared/api/csrf-cookie";
import { getMe } from "@/shared/api/generated/accounts/accounts";
import type { Account } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { queryKey } from "@/shared/queries/query-key";

const KEY = queryKey("session");

/** Public data, kept when a session ends. */
const PUBLIC = queryKey("events");

/** The API sets this readable cookie with the session. Without it there is no session to ask for. */
const hasSession = () => csrfCookie() !== undefined;

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

/** The account that is signed in. `account` is null without a session, and also before it is known (`isKnown` is false). */
export function useSession(): { account: Account | null; isKnown: boolean } {
  const { data, isError } = useQuery(session);
  return { account: data ?? null, isKnown: data !== undefined || isError };
}

/** Starts a session. Removes everything cached for the previous account. */
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
      /** The mutation sends a filled form. If the session has ended, the form stays open and says so. */
      isDraft?: boolean;
    };
  }
}

/** For the mutation of a form with a `NewTabSignIn`. */
export const DRAFT = { mutation: { meta: { isDraft: true } } };

/** Ends the session in the page. Public data of events is kept; everything else is removed. */
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
