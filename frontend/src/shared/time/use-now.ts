import { useInterval } from "@mantine/hooks";
import { useState } from "react";

const LOOK_MILLISECONDS = 15_000;

/** The current time in milliseconds, updated while the page is open: sales open and events start meanwhile. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useInterval(() => setNow(Date.now()), LOOK_MILLISECONDS, { autoInvoke: true });
  return now;
}
