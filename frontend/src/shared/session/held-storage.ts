/** Where this browser keeps its holds: what opens them for all tabs, what somebody has typed in for its tab alone. */
export const HOLD_PREFIX = "seatledger.hold ";

/** For who signs out, perhaps at a computer that others use, too. */
export function forgetAllHolds(): void {
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of Object.keys(storage)) if (key.startsWith(HOLD_PREFIX)) storage.removeItem(key);
  }
}
