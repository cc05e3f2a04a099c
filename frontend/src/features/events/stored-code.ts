const PREFIX = "seatledger.code ";

/** The promo code that was entered for an event in this tab, so that it survives signing in and reloading; empty: none. */
export function recallCode(eventId: string): string {
  return sessionStorage.getItem(PREFIX + eventId) ?? "";
}

/** Empty: none. */
export function storeCode(eventId: string, code: string): void {
  if (code === "") sessionStorage.removeItem(PREFIX + eventId);
  else sessionStorage.setItem(PREFIX + eventId, code);
}
