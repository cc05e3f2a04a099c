import { HOLD_PREFIX as PREFIX } from "@/shared/session/held-storage";

/**
 * What this browser knows of a hold that it made. In the storage of all its tabs, so that another one can go on; but for what was
 * typed in, which is kept for its tab alone: the next person at this browser must not see it.
 */
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
  /** Its payment was started: its page is the one that one comes back to from the provider. */
  isPaying?: boolean;
  /** It was booked or given back: only its own page still shows it. */
  isOver?: boolean;
}

const HOUR_MILLISECONDS = 3_600_000;
/** How long after its end a hold is kept: the same seats may be asked for again. */
const KEPT_MILLISECONDS = HOUR_MILLISECONDS;
/** The same, once its payment was started: money may come late. */
const KEPT_PAYING_MILLISECONDS = 7 * 24 * HOUR_MILLISECONDS;

export function recallHeld(holdId: string): HeldSeats | null {
  const held = parse(localStorage.getItem(PREFIX + holdId));
  return held && { ...held, name: "", email: "", ...parse(sessionStorage.getItem(PREFIX + holdId)) };
}

export function storeHeld(holdId: string, { name, email, code, ...held }: HeldSeats): void {
  localStorage.setItem(PREFIX + holdId, JSON.stringify(held));
  sessionStorage.setItem(PREFIX + holdId, JSON.stringify({ name, email, code }));
}

export function updateHeld(holdId: string, changes: Partial<HeldSeats>): void {
  const held = recallHeld(holdId);
  if (held !== null) storeHeld(holdId, { ...held, ...changes });
}

export function forgetHeld(holdId: string): void {
  localStorage.removeItem(PREFIX + holdId);
  sessionStorage.removeItem(PREFIX + holdId);
}

/** Forgets the holds whose time is over. */
export function forgetOldHolds(now: number): void {
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    const held = recallHeld(key.slice(PREFIX.length));
    const kept = held?.isPaying === true ? KEPT_PAYING_MILLISECONDS : KEPT_MILLISECONDS;
    if (held === null || !(Date.parse(held.until) + kept >= now)) forgetHeld(key.slice(PREFIX.length));
  }
}

/**
 * The hold of an event that ends last and has not ended yet; null: there is none. `accountId`: who made it; null: somebody without
 * an account.
 */
export function findHeld(
  eventId: string,
  now: number,
  accountId: string | null = null,
): { id: string; held: HeldSeats } | null {
  forgetOldHolds(now);
  let found: { id: string; held: HeldSeats } | null = null;
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    const id = key.slice(PREFIX.length);
    const held = recallHeld(id);
    if (
      held?.eventId === eventId &&
      held.isOver !== true &&
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
