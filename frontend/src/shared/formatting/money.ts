const formats = new Map<string, Intl.NumberFormat>();

/** An amount in the notation of the browser's language. `amount` is the API's decimal string, which may be negative. */
export function formatMoney(amount: string, currency: string): string {
  return formatted(amount, currency, "auto");
}

/** An amount in minor units, as the ledger has it. */
export function formatMinorUnits(amount: number, currency: string): string {
  return formatMoney((amount / 10 ** decimalsOf(currency)).toFixed(decimalsOf(currency)), currency);
}

/** `+€50.00`: a change with its sign. */
export function formatMoneyChange(amount: string, currency: string): string {
  return formatted(amount, currency, "exceptZero");
}

function formatted(amount: string, currency: string, signDisplay: "auto" | "exceptZero"): string {
  const key = `${currency} ${signDisplay}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, { style: "currency", currency, signDisplay });
    formats.set(key, format);
  }
  return format.format(amount as Intl.StringNumericLiteral); // as text: no digit is lost
}

/** The sum of `price` times `quantity`, in the prices' own number of decimals: all of one currency. Exact. */
export function sumLines(lines: readonly { price: string; quantity: number }[]): string {
  const decimals = Math.max(0, ...lines.map(({ price }) => price.split(".")[1]?.length ?? 0));
  const minor = lines.reduce((sum, { price, quantity }) => sum + minorUnits(price, decimals) * BigInt(quantity), 0n);
  const digits = minor.toString().padStart(decimals + 1, "0");
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Decimals of the currency's smallest unit: 2 of EUR, 0 of JPY. */
export function decimalsOf(currency: string): number {
  if (!/^[A-Z]{3}$/.test(currency)) return 2;
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

export function isFree(price: string): boolean {
  return Number(price) === 0;
}

function minorUnits(price: string, decimals: number): bigint {
  const [whole = "0", fraction = ""] = price.split(".");
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}
