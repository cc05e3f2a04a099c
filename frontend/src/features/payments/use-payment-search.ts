import { useSearchParams } from "react-router";

import { PaymentState } from "@/shared/api/generated/model";
import { isUuid, oneOf } from "@/shared/navigation/parameters";

import type { PaymentSearch } from "./queries";

/** The search is in the address: it can be shared, and survives going back. */
export function usePaymentSearch(): [PaymentSearch, (search: PaymentSearch) => void] {
  const [parameters, setParameters] = useSearchParams();
  const event = parameters.get("event") ?? "";
  const search = { eventId: isUuid(event) ? event : null, state: oneOf(PaymentState, parameters.get("state")) };
  const set = ({ eventId, state }: PaymentSearch) =>
    setParameters(
      { ...(eventId === null ? {} : { event: eventId }), ...(state === null ? {} : { state }) },
      { replace: true },
    );
  return [search, set];
}
