/** A random id: 128 bits in hexadecimal. */
export function randomId(): string {
  // Not crypto.randomUUID, which a page without HTTPS lacks.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
