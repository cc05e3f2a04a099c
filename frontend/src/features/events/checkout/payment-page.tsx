import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Navigate, useNavigate, useParams } from "react-router";

import type { Hold } from "@/shared/api/generated/model";
import { checkoutPath } from "@/shared/navigation/checkout-path";
import { signInPath } from "@/shared/navigation/return-path";
import { eventQuery } from "@/shared/queries/event-query";
import { useSession } from "@/shared/session/session";

import { EndedOrder } from "./ended-order";
import { updateHeld, type HeldSeats } from "./held-seats";
import { LoadedOrder } from "./loaded-order";
import { NotBooked } from "./not-booked";
import { detailsPath, ticketsPath } from "./order-paths";
import { PayableOrder } from "./payable-order";
import { useCheckout } from "./use-checkout";
import { useRecheck } from "./use-recheck";

/** How often the hold is read while its payment may arrive; and after its end, when money may still come late. */
const WAITING_MILLISECONDS = 2_000;
const LATE_MILLISECONDS = 10_000;

/** The order whose payment was started: until it is paid, and what became of it. One comes back here from the provider. */
export function PaymentPage() {
  const { holdId = "" } = useParams();
  return <PaidOrder key={holdId} holdId={holdId} />;
}

function PaidOrder({ holdId }: { holdId: string }) {
  const checkout = useCheckout(holdId);
  const { data: hold, held } = checkout;
  const { data: event } = useQuery({ ...eventQuery(hold?.event_id ?? ""), enabled: hold !== undefined });
  useRecheck(checkout.refetch, hold === undefined ? null : intervalOf(hold));
  // This browser has started the payment, and what was read does not show it yet.
  const isOutdated = hold?.payment == null && held?.isPaying === true;
  return (
    <LoadedOrder checkout={checkout} isOutdated={isOutdated} gone={<UnknownOrder holdId={holdId} held={held} />}>
      {(hold) => {
        if (hold.payment == null) return <Navigate to={detailsPath(hold)} replace />;
        if (hold.status === "confirmed") return <Booked hold={hold} held={held} />;
        return hold.status === "open" ? (
          <PayableOrder hold={hold} payment={hold.payment} event={event} checkout={checkout} />
        ) : (
          <NotBooked hold={hold} status={hold.status} event={event} code={held?.code ?? ""} />
        );
      }}
    </LoadedOrder>
  );
}

function intervalOf({ status }: Hold): number | null {
  if (status === "open") return WAITING_MILLISECONDS;
  return status === "lapsed" ? LATE_MILLISECONDS : null;
}

/** Goes on to the tickets. */
function Booked({ hold, held }: { hold: Hold; held: HeldSeats | null }) {
  const navigate = useNavigate();
  const to = ticketsPath(hold, held);
  useEffect(() => {
    updateHeld(hold.id, { isOver: true });
    void navigate(to, { replace: true, state: { isNew: true } });
  }, [hold.id, to, navigate]);
  return <EndedOrder kind="paid" to={to} />;
}

function UnknownOrder({ holdId, held }: { holdId: string; held: HeldSeats | null }) {
  const { account } = useSession();
  return account === null && held?.token == null ? (
    <EndedOrder kind="signedOut" to={signInPath(checkoutPath(holdId))} />
  ) : (
    <EndedOrder kind="unknown" to="/" />
  );
}
