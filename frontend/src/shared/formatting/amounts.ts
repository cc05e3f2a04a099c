/** Exact arithmetic on the API's decimal strings (`-12.50`). All amounts of one call have the same currency. */

/** The sum; `0` for no amounts. */
export function sumAmounts(amounts: readonly string[]): string {
  const decimals = Math.max(0, ...amounts.map((amount) => amount.split(".")[1]?.length ?? 0));
  return fromMinorUnits(
    amounts.reduce((all, amount) => all + minorUnits(amount, decimals), 0n),
    decimals,
  );
}

/** `amount` minus `subtrahend`. */
export function subtractAmounts(amount: string, subtrahend: string): string {
  return sumAmounts([amount, subtrahend.startsWith("-") ? subtrahend.slice(1) : `-${subtrahend}`]);
}

/** Whether `amount` is more than `other`. */
export function isMore(amount: string, other: string): boolean {
  return Number(subtractAmounts(amount, other)) > 0; // the difference is exact, and only its sign counts
}

/** The smaller one of two amounts. */
export function smallerAmount(first: string, second: string): string {
  return isMore(first, second) ? second : first;
}

/** An amount, which is not negative, in that many parts that are as equal as can be: the first ones get the remainder. */
export function splitAmount(amount: string, parts: number): string[] {
  const decimals = amount.split(".")[1]?.length ?? 0;
  const all = minorUnits(amount, decimals);
  const [part, rest] = [all / BigInt(parts), all % BigInt(parts)];
  return Array.from({ length: parts }, (_, index) => fromMinorUnits(index < rest ? part + 1n : part, decimals));
}

function fromMinorUnits(minor: bigint, decimals: number): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, "0");
  const sign = minor < 0n ? "-" : "";
  return decimals === 0 ? sign + digits : `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function minorUnits(amount: string, decimals: number): bigint {
  const [whole = "0", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}
