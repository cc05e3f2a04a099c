const known = new Map<string, boolean>();

/** Whether the browser has this time zone: the server may know newer ones, and a format of another one can't be made. */
export function isKnownTimeZone(timeZone: string): boolean {
  let found = known.get(timeZone);
  if (found === undefined) {
    try {
      new Intl.DateTimeFormat(undefined, { timeZone });
      found = true;
    } catch {
      found = false;
    }
    known.set(timeZone, found);
  }
  return found;
}

/** This time zone, or UTC in the place of one that the browser does not have. */
export function getKnownTimeZone(timeZone: string): string {
  return isKnownTimeZone(timeZone) ? timeZone : "UTC";
}
