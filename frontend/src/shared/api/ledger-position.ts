/**
 * Read your own writes: the highest ledger position that a command of this tab was answered with. Queries send it, and see at
 * least that.
 */
const STORED_AS = "seatledger.position";

export function rememberPosition(answered: string): void {
  const position = Number(answered);
  if (Number.isSafeInteger(position) && position > Number(recallPosition() ?? 0)) {
    sessionStorage.setItem(STORED_AS, String(position));
  }
}

export function recallPosition(): string | null {
  return sessionStorage.getItem(STORED_AS);
}

/** For a server whose ledger was replaced or restored: it is behind the stored position. */
export function forgetPosition(): void {
  sessionStorage.removeItem(STORED_AS);
}
