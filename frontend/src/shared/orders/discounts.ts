import { subtractAmounts, sumAmounts } from "@/shared/formatting/amounts";
import { sumLines } from "@/shared/formatting/money";

/** A line of an order: `amount` is what it costs, after a discount. */
export interface PricedLine {
  category: string;
  quantity: number;
  unit_price: string;
  amount: string;
}

/** What the line would cost without a discount. */
export function listAmountOf({ unit_price, quantity }: PricedLine): string {
  return sumLines([{ price: unit_price, quantity }]);
}

/** What was taken off the lines together; null: nothing. */
export function discountOf(lines: readonly PricedLine[]): string | null {
  const discount = sumAmounts(lines.map((line) => subtractAmounts(listAmountOf(line), line.amount)));
  return Number(discount) === 0 ? null : discount;
}
