import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { useBookTickets } from "@/shared/api/generated/bookings/bookings";
import type { Booking, Contact, Event, NewBooking } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { sumLines } from "@/shared/formatting/money";
import { eventQuery } from "@/shared/queries/event-query";

import { toRefusal, useSlow, type BookingRefusal } from "./booking-refusal";
import { useOpenBooked } from "./use-open-booked";

/** Who books without an account, and the proof that the address is theirs; null: not needed, or not there yet. */
export interface Guest {
  contact: Contact;
  proof: string | null;
}

interface BookingOptions {
  /** Null: the account books. */
  guest?: Guest | null;
  /** What the customer has confirmed; by default what the lines cost as shown. */
  total?: string;
  /** Called with a refusal. Whether the form says it at its fields. */
  isToldElsewhere?: (refusal: BookingRefusal) => boolean;
}

/**
 * Books a selection once, however often it is sent, and opens the page of the booking. From the first click until that page shows,
 * nothing else can be booked: its script may load more slowly than the booking is made.
 */
export function useBooking(event: Event) {
  const [problem, setProblem] = useState<BookingRefusal | null>(null);
  const [booked, setBooked] = useState<Booking | null>(null);
  const queries = useQueryClient();
  const openBooked = useOpenBooked(event.id);
  const { keyFor, done } = useCommandKey(`book ${event.id}`);
  const isLocked = useRef(false); // a second click may come before the next render
  const lastSent = useRef<NewBooking | null>(null);
  // The first request of a guest may be refused, and gets the cookie that its key belongs to.
  const retry = (count: number, error: unknown) => count === 0 && isKind(error, "guest-secret-missing");
  const { mutate, isPending, error } = useBookTickets({ mutation: { retry, retryDelay: 0 } });
  const isSlow = useSlow(isPending);

  const book = (
    chosen: readonly { category: string; quantity: number; price: string }[],
    { guest = null, total = sumLines(chosen), isToldElsewhere = () => false }: BookingOptions = {},
  ) => {
    if (isLocked.current || chosen.length === 0) return;
    isLocked.current = true;
    setProblem(null);
    const lines = chosen.map(({ category, quantity }) => ({ category, quantity }));
    // After an unknown outcome the same request is sent again: with a new price it would be another one.
    const data =
      isOutcomeUnknown(error) && lastSent.current
        ? lastSent.current
        : { tickets: lines, expected_total: total, ...asGuest(guest) };
    lastSent.current = data;
    mutate(
      { eventId: event.id, data, headers: { "Idempotency-Key": keyFor([lines, data.contact ?? null]) } },
      {
        onSuccess: (booking) => {
          done();
          setBooked(booking);
          openBooked(booking, guest && { email: guest.contact.email, token: null });
        },
        onError: (error) => {
          isLocked.current = false;
          const refusal = toRefusal(error, data.expected_total ?? total);
          if (!isToldElsewhere(refusal)) setProblem(refusal);
          void queries.invalidateQueries({ queryKey: eventQuery(event.id).queryKey });
        },
      },
    );
  };
  return {
    book,
    problem,
    forget: () => setProblem(null),
    /** The completed booking, until its page is shown. */
    booked,
    isSending: isPending,
    isSlow,
    /** A different selection now could be booked in addition. */
    isChoiceFixed: isPending || isOutcomeUnknown(error) || booked !== null,
  };
}

function asGuest(guest: Guest | null): Pick<NewBooking, "contact" | "proof"> {
  if (guest === null) return {};
  return { contact: guest.contact, ...(guest.proof === null ? {} : { proof: guest.proof }) };
}
