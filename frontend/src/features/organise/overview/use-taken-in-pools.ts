import { useThrottledValue } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import type { Event } from "@/shared/api/generated/model";
import { useSeats } from "@/shared/live/seat-store";
import { eventQuery } from "@/shared/queries/event-query";

const READ_AGAIN_MILLISECONDS = 2_000;

/**
 * Reads an event with pools again when its live seats change: what a category in a pool has left does not tell how many of its own
 * seats are taken.
 */
export function useTakenInPools(event: Event): void {
  const { available, held, categories, heldIn } = useSeats(event);
  const { id, pools } = event;
  const hasPools = pools.length > 0;
  const seats = useThrottledValue(JSON.stringify([available, held, categories, heldIn]), READ_AGAIN_MILLISECONDS);
  const lastRead = useRef(seats);
  const queries = useQueryClient();
  useEffect(() => {
    if (lastRead.current === seats) return;
    lastRead.current = seats;
    if (hasPools) void queries.invalidateQueries({ queryKey: eventQuery(id).queryKey });
  }, [queries, id, hasPools, seats]);
}
