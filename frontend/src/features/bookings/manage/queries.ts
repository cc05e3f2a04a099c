import { queryOptions, useQueryClient } from "@tanstack/react-query";

import { cancelManagedTickets, getManagedBooking } from "@/shared/api/generated/bookings/bookings";
import { whileRefundDue } from "@/shared/queries/ask-again";
import { queryKey } from "@/shared/queries/query-key";

import type { Canceller } from "../use-ticket-cancellation";

/** What sends the token of a manage link. */
export const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

export function managedQuery(token: string) {
  return queryOptions({
    queryKey: queryKey("managed-booking", token),
    queryFn: ({ signal }) => getManagedBooking(undefined, bearer(token), signal),
    refetchInterval: (query) => whileRefundDue(query.state.data?.booking, query),
  });
}

/** Cancels tickets of the booking whose link this is. */
export function useManagedCanceller(token: string): Canceller {
  const queries = useQueryClient();
  const { queryKey } = managedQuery(token);
  const readAgain = () => void queries.invalidateQueries({ queryKey });
  return {
    cancel: (tickets, headers) => cancelManagedTickets({ tickets }, headers, bearer(token)),
    onCancelled: (booking) => {
      queries.setQueryData(queryKey, (shown) => (shown === undefined ? undefined : { ...shown, booking }));
      readAgain();
    },
    onRefused: readAgain,
  };
}
