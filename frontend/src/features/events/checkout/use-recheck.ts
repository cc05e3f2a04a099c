import { useEffect } from "react";

/** Reads again at this interval; null: not. */
export function useRecheck(refetch: () => unknown, intervalMilliseconds: number | null): void {
  useEffect(() => {
    if (intervalMilliseconds === null) return;
    const timer = setInterval(() => void refetch(), intervalMilliseconds);
    return () => clearInterval(timer);
  }, [refetch, intervalMilliseconds]);
}
