let format: Intl.NumberFormat | undefined;
let change: Intl.NumberFormat | undefined;

/** A whole number with thousands separators, in the browser's language. */
export function formatCount(value: number): string {
  format ??= new Intl.NumberFormat();
  return format.format(value);
}

/** `+1,204`: a change with its sign; `0` for no change. */
export function formatCountChange(value: number): string {
  change ??= new Intl.NumberFormat(undefined, { signDisplay: "exceptZero" });
  return change.format(value);
}
