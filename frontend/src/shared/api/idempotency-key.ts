import { randomId } from "./random-id";

/** A new `Idempotency-Key`. Make it before a command is first sent, and send the same one with each further try. */
export function newIdempotencyKey(): string {
  return randomId();
}
