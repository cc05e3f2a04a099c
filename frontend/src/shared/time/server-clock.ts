let offset = 0;

/** `Date` has no fractions, and is made once a second: nobody may be told that there is more time than there is. */
const BEHIND_MILLISECONDS = 2_000;

/** Notes the server's time, from the `Date` of a response that came just now. It is exact to some two seconds. */
export function noteServerTime(date: unknown): void {
  const time = typeof date === "string" ? Date.parse(date) : NaN;
  if (!Number.isNaN(time)) offset = time + BEHIND_MILLISECONDS - Date.now();
}

/** The server's time in milliseconds: the clock of a phone may be wrong by minutes. Before any response, the browser's. */
export function serverNow(): number {
  return Date.now() + offset;
}
