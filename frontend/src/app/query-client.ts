import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { isKind } from "@/shared/api/problem";
import { whileUnanswered } from "@/shared/queries/ask-again";
import { endSession } from "@/shared/session/session";

const FRESH_MILLISECONDS = 2_000;

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
        refetchInterval: whileUnanswered,
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return queries;
}
