import { useCallback } from "react";

import { newIdempotencyKey } from "./idempotency-key";

/**
 * The Idempotency-Key of a command. The same body gets the same key until `done` is called: over a double click, a
 * retry, and a reload before the response arrived. So the command executes once. Another body is another command.
 *
 * `name` is the action and its object: `book <event>`.
 */
export function useCommandKey(name: string): { keyFor: (body: unknown) => string; done: () => void } {
  const storedAs = `seatledger.intention ${name}`;

  const keyFor = useCallback(
    (body: unknown) => {
      const of = JSON.stringify(body);
      const stored = JSON.parse(sessionStorage.getItem(storedAs) ?? "null") as { of: string; key: string } | null;
      if (stored?.of === of) return stored.key;
      const key = newIdempotencyKey();
      sessionStorage.setItem(storedAs, JSON.stringify({ of, key }));
      return key;
    },
    [storedAs],
  );
  const done = useCallback(() => sessionStorage.removeItem(storedAs), [storedAs]);
  return { keyFor, done };
}
