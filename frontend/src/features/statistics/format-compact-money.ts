const formats = new Map<string, Intl.NumberFormat>();

/** `€12K`: an amount for an axis. */
export function formatCompactMoney(value: number, currency: string): string {
  let format = formats.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, {
      style: "currency",
      currency,
      notation: "compact",
      maximumFractionDigits: 1,
    });
    formats.set(currency, format);
  }
  return format.format(value);
}
