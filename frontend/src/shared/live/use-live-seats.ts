import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";

import { LiveSeats } from "./live-seats";
import type { LiveState } from "./seat-stream";

const POLL_MILLISECONDS = 10_000;

let shared: LiveSeats | undefined;

/**
 * Keeps the seats of these events (`useSeats`) up to date while the page is visible. Without a stream,
 * `queryKey` is invalidated periodically instead. After a reset everything is read again. Returns the state of the connection.
 */
export function useLiveSeats(events: readonly string[], queryKey: readonly unknown[]): LiveState {
  const [live] = useState(() => (shared ??= new LiveSeats()));
  const state = useSyncExternalStore(live.subscribe, () => live.state);
  const queries = useQueryClient();
  const named = events.join(" ");
  const key = JSON.stringify(queryKey);

  useEffect(() => (named === "" ? undefined : live.watch(named.split(" "))), [live, named]);

  useEffect(() => live.onReset(() => void queries.invalidateQueries()), [live, queries]);

  useEffect(() => {
    if (state !== "polling") return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible")
        void queries.invalidateQueries({ queryKey: JSON.parse(key) as unknown[] });
    }, POLL_MILLISECONDS);
    return () => clearInterval(timer);
  }, [state, queries, key]);

  return state;
}
