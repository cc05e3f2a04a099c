const STEPS: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

let relative: Intl.RelativeTimeFormat | undefined;
let exact: Intl.DateTimeFormat | undefined;
let seconds: Intl.NumberFormat | undefined;

/** `12 minutes ago`. `now` in milliseconds. */
export function formatTimeAgo(at: string, now: number): string {
  relative ??= new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const passed = (Date.parse(at) - now) / 1_000;
  const [unit, length] = STEPS.find(([, step]) => Math.abs(passed) >= step) ?? ["second", 1];
  return relative.format(Math.round(passed / length), unit);
}

/** A timestamp to the second, in the browser's time zone. */
export function formatTimestamp(at: string): string {
  exact ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return exact.format(new Date(at));
}

/** `1.5 sec`, of a number of seconds. */
export function formatDuration(value: number): string {
  seconds ??= new Intl.NumberFormat(undefined, { style: "unit", unit: "second", maximumFractionDigits: 1 });
  return seconds.format(value);
}
