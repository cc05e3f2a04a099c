import { useEffect, useState } from "react";

import type { Problem } from "@/shared/api/generated/model";
import { ApiError } from "@/shared/api/problem";

const SLOW_MILLISECONDS = 2_500;

/** A refused booking or hold: `kind` is the kind of the problem, `expectedTotal` what the customer saw. */
export interface BookingRefusal {
  kind: string;
  problem: Problem | null;
  expectedTotal: string;
  /** When the server says so; otherwise 0. */
  retryAfterSeconds: number;
}

export function toRefusal(error: unknown, expectedTotal: string): BookingRefusal {
  const known = error instanceof ApiError ? error : null;
  return {
    kind: known?.kind ?? "",
    problem: known?.problem ?? null,
    expectedTotal,
    retryAfterSeconds: known?.retryAfterSeconds ?? 0,
  };
}

/** Whether a request takes longer than usual. */
export function useSlow(isPending: boolean): boolean {
  const [isSlow, setIsSlow] = useState(false);
  useEffect(() => {
    if (!isPending) return;
    const timer = setTimeout(() => setIsSlow(true), SLOW_MILLISECONDS);
    return () => {
      clearTimeout(timer);
      setIsSlow(false);
    };
  }, [isPending]);
  return isSlow;
}
