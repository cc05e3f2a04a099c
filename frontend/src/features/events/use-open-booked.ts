import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import type { Booking } from "@/shared/api/generated/model";
import { queryKey } from "@/shared/queries/query-key";

import { storeCode } from "./stored-code";

/** A guest who has booked. `email`: null if it was typed in elsewhere; then the token of the hold opens the booking. */
interface Booker {
  email: string | null;
  token: string | null;
}

/** Opens the page of a booking that was just made. `guest`: null if the booking is the account's. */
export function useOpenBooked(eventId: string): (booking: Booking, guest: Booker | null) => void {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return (booking, guest) => {
    storeCode(eventId, "");
    void queries.invalidateQueries({ queryKey: queryKey("events"), refetchType: "none" });
    void navigate(`/events/${eventId}`, { replace: true }); // going back leads to an empty form
    if (guest !== null) {
      if (guest.email === null) void navigate(`/manage#${guest.token ?? ""}`, { state: { isNew: true } });
      else void navigate(`/events/${eventId}/booked`, { state: { booking, email: guest.email } });
      return;
    }
    queries.setQueryData(queryKey("bookings", "detail", booking.id), booking);
    void queries.invalidateQueries({ queryKey: queryKey("bookings"), refetchType: "none" });
    void navigate(`/bookings/${booking.id}`, { state: { isNew: true } });
  };
}
