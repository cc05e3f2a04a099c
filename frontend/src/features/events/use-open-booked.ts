import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import type { Booking } from "@/shared/api/generated/model";
import { queryKey } from "@/shared/queries/query-key";

import { storeCode } from "./stored-code";

/** Opens the page of a booking that was just made. `email`: of a guest; null: the account's. */
export function useOpenBooked(eventId: string): (booking: Booking, email: string | null) => void {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return (booking, email) => {
    storeCode(eventId, "");
    void queries.invalidateQueries({ queryKey: queryKey("events"), refetchType: "none" });
    void navigate(`/events/${eventId}`, { replace: true }); // going back leads to an empty form
    if (email !== null) {
      void navigate(`/events/${eventId}/booked`, { state: { booking, email } });
      return;
    }
    queries.setQueryData(queryKey("bookings", "detail", booking.id), booking);
    void queries.invalidateQueries({ queryKey: queryKey("bookings"), refetchType: "none" });
    void navigate(`/bookings/${booking.id}`, { state: { isNew: true } });
  };
}
