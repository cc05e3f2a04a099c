/** A new `Idempotency-Key`. Make it before a command is first sent, and send the same one with each further try. */
export function newIdempotencyKey(): string {
  // Not crypto.randomUUID, which a page without HTTPS lacks.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
