import { useSessionStorage } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { useCheckInTicket } from "@/shared/api/generated/tickets/tickets";
import type { Event } from "@/shared/api/generated/model";
import { useCommandKey } from "@/shared/api/use-command-key";
import { queryKey } from "@/shared/queries/query-key";

import { toAdmission, toFailedResult, type CheckInResult } from "./check-in-result";

/** The number of latest tickets listed. */
const REMEMBERED = 20;

export interface CheckedTicket extends CheckInResult {
  code: string;
  /** Milliseconds. */
  at: number;
}

export interface Totals {
  admitted: number;
  refused: number;
  last: CheckedTicket[];
}

const NOTHING: Totals = { admitted: 0, refused: 0, last: [] };

/** Checks in tickets one at a time, and counts them while this tab is open. `shown` is the last result. */
export function useCheckIn({ id: eventId, currency }: Event) {
  const [shown, setShown] = useState<CheckedTicket | null>(null);
  const [totals, setTotals] = useSessionStorage<Totals>({
    key: `seatledger.check-in ${eventId}`,
    defaultValue: NOTHING,
  });
  const inFlight = useRef(false);
  const { keyFor, done } = useCommandKey(`check in ${eventId}`); // for a code whose result is still unknown
  const { mutate, isPending } = useCheckInTicket();
  const queries = useQueryClient();

  const conclude = (code: string, result: CheckInResult) => {
    const checked = { ...result, code, at: Date.now() };
    setShown(checked);
    if (result.answer === "unclear") return;
    done();
    setTotals((before) => ({
      admitted: before.admitted + (result.answer === "yes" ? 1 : 0),
      refused: before.refused + (result.answer === "no" ? 1 : 0),
      last: [checked, ...before.last].slice(0, REMEMBERED),
    }));
    if (result.answer === "yes")
      void queries.invalidateQueries({ queryKey: queryKey("event-sales", eventId), refetchType: "none" });
  };
  const checkIn = (typed: string) => {
    const code = typed.trim();
    if (code === "" || inFlight.current) return;
    inFlight.current = true;
    mutate(
      { eventId, data: { code }, headers: { "Idempotency-Key": keyFor(code) } },
      {
        onSuccess: (ticket) => conclude(code, toAdmission(ticket)),
        onError: (error) => conclude(code, toFailedResult(error, Date.now(), currency)),
        onSettled: () => (inFlight.current = false),
      },
    );
  };
  return { checkIn, isChecking: isPending, shown, totals, clear: () => setTotals(NOTHING) };
}
