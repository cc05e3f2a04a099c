import type { AccountBalance } from "@/shared/api/generated/model";
import { subtractAmounts, sumAmounts } from "@/shared/formatting/amounts";
import { isFree } from "@/shared/formatting/money";

/** The money in one currency, as decimal strings. */
export interface MoneyTotals {
  currency: string;
  /** What was received, less what was paid back, in all and by method. */
  received: string;
  methods: { method: string; amount: string }[];
  due: string;
  owed: string;
  /** What the tickets that stand cost. */
  revenue: string;
}

/** The totals in each currency, from the balances of double entry: credits are negative there. */
export function sumPostings(balances: readonly AccountBalance[]): MoneyTotals[] {
  const currencies = [...new Set(balances.map(({ currency }) => currency))];
  return currencies.map((currency) => {
    const of = (...accounts: string[]) =>
      balances.filter((balance) => balance.currency === currency && accounts.includes(balance.account));
    const sum = (...accounts: string[]) => sumAmounts(of(...accounts).map(({ amount }) => amount));
    const cash = of("cash").filter(({ amount }) => !isFree(amount));
    return {
      currency,
      received: sum("cash"),
      methods: cash.map(({ method, amount }) => ({ method: method ?? "", amount })),
      due: sum("receivable"),
      owed: negated(sum("refunds-payable")),
      revenue: negated(sum("deferred-revenue", "revenue")),
    };
  });
}

function negated(amount: string): string {
  return subtractAmounts("0", amount);
}
