/** Exact arithmetic on the API's decimal strings (`-12.50`). All amounts of one call have the same currency. */

/** The sum; `0` for no amounts. */
export function sumAmounts(amounts: readonly string[]): string {
  const decimals = Math.max(0, ...amounts.map((amount) => amount.split(".")[1]?.length ?? 0));
  const minor = amounts.reduce((all, amount) => all + minorUnits(amount, decimals), 0n);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, "0");
  const sign = minor < 0n ? "-" : "";
  return decimals === 0 ? sign + digits : `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** `amount` minus `subtrahend`. */
export function subtractAmounts(amount: string, subtrahend: string): string {
  return sumAmounts([amount, subtrahend.startsWith("-") ? subtrahend.slice(1) : `-${subtrahend}`]);
}

function minorUnits(amount: string, decimals: number): bigint {
  const [whole = "0", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}
