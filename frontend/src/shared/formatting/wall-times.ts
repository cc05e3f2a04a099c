let format: Intl.DateTimeFormat | undefined;

/** `2026-11-21 20:00:00` in the browser's language. The context names the time zone. */
export function formatWallTime(wall: string): string {
  format ??= new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  return format.format(new Date(wall.replace(" ", "T")));
}
