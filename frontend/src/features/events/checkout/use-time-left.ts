import { useEffect, useState } from "react";

import { serverNow } from "@/shared/time/server-clock";

/** The seconds until this moment by the server's clock, rounded up; 0 afterwards. Updated each second. */
export function useTimeLeft(until: string): number {
  const read = () => Math.max(0, Math.ceil((Date.parse(until) - serverNow()) / 1_000));
  const [left, setLeft] = useState(read);
  useEffect(() => {
    const update = () => setLeft(Math.max(0, Math.ceil((Date.parse(until) - serverNow()) / 1_000)));
    update();
    const timer = setInterval(update, 1_000);
    return () => clearInterval(timer);
  }, [until]);
  return left;
}
