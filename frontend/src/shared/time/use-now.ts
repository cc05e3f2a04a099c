import { useInterval } from "@mantine/hooks";
import { useState } from "react";

const LOOK_MILLISECONDS = 15_000;

/** The time in milliseconds, which goes on while one looks: sales open and events start on an open page too. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useInterval(() => setNow(Date.now()), LOOK_MILLISECONDS, { autoInvoke: true });
  return now;
}
