/** What this browser knows of a hold that it made. In the storage of all its tabs, so that it survives a reload. */
export interface HeldSeats {
  eventId: string;
  /** Opens the hold, and later the booking; null: the session of the account that made it does. */
  token: string | null;
  /** Of a hold without a token: the account that made it. */
  accountId?: string;
  /** When the hold ends, as far as it is known. */
  until: string;
  /** What was typed in already. */
  name: string;
  email: string;
  /** The promo code that was sent, for the same seats again. */
  code?: string;
  /** The last confirmation was sent as an account: the booking is in its list. */
  isAccounts?: boolean;
}

const PREFIX = "seatledger.hold ";
/** How long after its end a hold is kept: its answers may be needed for the next one. */
const KEPT_MILLISECONDS = 24 * 3_600_000;

export function recallHeld(holdId: string): HeldSeats | null {
  return parse(localStorage.getItem(PREFIX + holdId));
}

export function storeHeld(holdId: string, held: HeldSeats): void {
  localStorage.setItem(PREFIX + holdId, JSON.stringify(held));
}

export function updateHeld(holdId: string, changes: Partial<HeldSeats>): void {
  const held = recallHeld(holdId);
  if (held !== null) storeHeld(holdId, { ...held, ...changes });
}

export function forgetHeld(holdId: string): void {
  localStorage.removeItem(PREFIX + holdId);
}

/**
 * The hold of an event that ends last and has not ended yet; null: there is none. `accountId`: who made it; null: somebody without
 * an account. Forgets old ones.
 */
export function findHeld(
  eventId: string,
  now: number,
  accountId: string | null = null,
): { id: string; held: HeldSeats } | null {
  let found: { id: string; held: HeldSeats } | null = null;
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    const id = key.slice(PREFIX.length);
    const held = recallHeld(id);
    if (held === null || Date.parse(held.until) + KEPT_MILLISECONDS < now) forgetHeld(id);
    else if (
      held.eventId === eventId &&
      (held.token === null ? held.accountId === accountId : accountId === null) &&
      Date.parse(held.until) > now &&
      held.until > (found?.held.until ?? "")
    ) {
      found = { id, held };
    }
  }
  return found;
}

function parse(text: string | null): HeldSeats | null {
  try {
    return JSON.parse(text ?? "null") as HeldSeats | null;
  } catch {
    return null;
  }
}
