import type { Event, PaymentMethod } from "@/shared/api/generated/model";
import { isFree } from "@/shared/formatting/money";
import { isPaidAtBoxOffice, onlineMethodsOf } from "@/shared/payments/payable";

/** How an order of this price can be paid, online methods first; empty: nothing is to be paid here. */
export function waysToPay(event: Pick<Event, "payment">, total: string): PaymentMethod[] {
  if (isFree(total)) return [];
  return [...onlineMethodsOf(event), ...(isPaidAtBoxOffice(event) ? (["box_office"] as const) : [])];
}
