/** What a query reads. Signing out forgets all of it but `session` and `events`, which are public. */
type Resource =
  | "about"
  | "account-trail"
  | "accounts"
  | "bookings"
  | "card-form"
  | "demo-provider"
  | "event-messages"
  | "event-options"
  | "event-sales"
  | "events"
  | "holds"
  | "ledger"
  | "mailbox"
  | "managed-booking"
  | "notifications"
  | "organised-events"
  | "payments"
  | "projections"
  | "session"
  | "sessions"
  | "statistics"
  | "webhooks";

type Part = string | number | object | null;

/**
 * The key of each query of the page: the resource, then which part of it, then the parameters. A shorter key is the prefix of all
 * longer ones, so that `invalidateQueries({ queryKey: queryKey("bookings") })` reaches every list and every single booking.
 */
export function queryKey<Parts extends readonly Part[]>(
  resource: Resource,
  ...parts: Parts
): readonly [Resource, ...Parts] {
  return [resource, ...parts];
}
