let format: Intl.NumberFormat | undefined;

/** A whole number with its thousands apart, in the browser's language. */
export function count(value: number): string {
  format ??= new Intl.NumberFormat();
  return format.format(value);
}
