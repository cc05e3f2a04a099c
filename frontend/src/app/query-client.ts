import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { endSession } from "@/shared/session/session";

const FRESH_MILLISECONDS = 2_000;
const ASK_AGAIN_MILLISECONDS = 4_000;

/** The API client retries by itself (`shared/api/retries.ts`); an unreachable server is polled until it is back. */
export function makeQueryClient(): QueryClient {
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (isKind(error, "not-signed-in")) endSession(queries);
      },
    }),
    mutationCache: new MutationCache({
      onError: (error, _variables, _result, { meta }) => {
        if (isKind(error, "not-signed-in") && meta?.isDraft !== true) endSession(queries);
      },
    }),
    defaultOptions: {
      queries: {
        retry: false,
        staleTime: FRESH_MILLISECONDS,
        networkMode: "always",
        refetchInterval: ({ state }) =>
          isKind(state.error, UNREACHABLE, "busy", "stale-read", "still-computing") && ASK_AGAIN_MILLISECONDS,
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return queries;
}
