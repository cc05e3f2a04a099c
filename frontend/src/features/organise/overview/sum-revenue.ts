import type { Sales } from "@/shared/api/generated/model";
import { sumAmounts } from "@/shared/formatting/amounts";

/** The revenue of sales in one currency. */
export function sumRevenue(sales: readonly Sales[]): { net: string; refunded: string } {
  return { net: sumAmounts(sales.map(({ net }) => net)), refunded: sumAmounts(sales.map(({ refunded }) => refunded)) };
}
