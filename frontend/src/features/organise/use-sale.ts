import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { useBookTickets } from "@/shared/api/generated/bookings/bookings";
import type { Booking, NewBooking } from "@/shared/api/generated/model";
import { isKind, type ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { organise } from "@/shared/strings/organise";

import { refresh } from "./queries";

const text = organise.sell.problems;

export interface Sale {
  booking: Booking;
  /** The customer's name; null for a walk-in. */
  customer: string | null;
}

/** Sells at the box office; each sale once, however often it is sent. `sold` is the last one. */
export function useSale(eventId: string, setErrors: (errors: Record<string, string>) => void) {
  const [sold, setSold] = useState<Sale | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const inFlight = useRef(false); // a second click comes before the button is drawn as busy
  const { keyFor, done } = useCommandKey(`sell ${eventId}`);
  const { mutate, isPending } = useBookTickets();
  const queries = useQueryClient();

  const sell = (data: NewBooking) => {
    if (inFlight.current) return;
    inFlight.current = true;
    setProblem(null);
    mutate(
      { eventId, data, headers: { "Idempotency-Key": keyFor(data) } },
      {
        onSuccess: (booking) => {
          done();
          setSold({ booking, customer: data.customer?.name ?? null });
        },
        onError: (error) => {
          const { customer, other } = split(error);
          setErrors(customer);
          if (Object.keys(customer).length === 0) setProblem(other);
        },
        onSettled: () => {
          inFlight.current = false;
          void refresh(queries, eventId);
        },
      },
    );
  };
  return { sell, sold, forget: () => setSold(null), problem, isSelling: isPending };
}

/** What the two fields of the customer are to blame for, and the sentence about anything else. */
function split(error: ApiError): { customer: Record<string, string>; other: string } {
  const fields = Object.entries(error.fieldErrors).filter(([path]) => path.startsWith("customer."));
  const customer = Object.fromEntries(fields.map(([path, message]) => [path.slice("customer.".length), message]));
  return { customer, other: sentence(error) };
}

function sentence(error: ApiError): string {
  const { available = 0, limit = 0, held = 0 } = error.problem;
  if (isKind(error, "sold-out")) return text.soldOut(available);
  if (isKind(error, "customer-limit")) return text.limit(limit, held);
  if (isKind(error, "booking-too-large")) return text.tooLarge(limit);
  if (isKind(error, "event-not-bookable", "not-on-sale")) return text.past;
  return isKind(error, "unreachable", "outcome-unknown") ? text.unknown : text.other;
}
