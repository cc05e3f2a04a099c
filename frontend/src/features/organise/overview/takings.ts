import type { Sales } from "@/shared/api/generated/model";
import { sum } from "@/shared/formatting/amounts";

/** What these sales, all of one currency, come to. */
export function sumOf(sales: readonly Sales[]): { net: string; refunded: string } {
  return { net: sum(sales.map(({ net }) => net)), refunded: sum(sales.map(({ refunded }) => refunded)) };
}
