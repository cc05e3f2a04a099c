import { useSearchParams } from "react-router";

import { PaymentState } from "@/shared/api/generated/model";

import type { PaymentSearch } from "./queries";

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The search is in the address: it can be shared, and survives going back. */
export function usePaymentSearch(): [PaymentSearch, (search: PaymentSearch) => void] {
  const [parameters, setParameters] = useSearchParams();
  const [event, state] = [parameters.get("event") ?? "", parameters.get("state") ?? ""];
  const search = {
    eventId: UUID.test(event) ? event : null,
    state: state in PaymentState ? (state as PaymentState) : null,
  };
  const set = ({ eventId, state }: PaymentSearch) =>
    setParameters(
      { ...(eventId === null ? {} : { event: eventId }), ...(state === null ? {} : { state }) },
      { replace: true },
    );
  return [search, set];
}
