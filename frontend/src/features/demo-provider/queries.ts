import { queryOptions } from "@tanstack/react-query";

import { http } from "@/shared/api/http";
import { queryKey } from "@/shared/queries/query-key";

/** A payment as the demo's provider knows it. Its two routes are not in the OpenAPI document, so they are written here by hand. */
export interface DemoPayment {
  id: string;
  hold_id: string;
  event_id: string;
  description: string;
  amount: string;
  currency: string;
  state: "open" | "declined" | "paid";
}

/** What the customer of the demo's provider can do, in the order in which it is offered. */
export const OUTCOMES = ["pay", "decline", "pay-slowly", "pay-twice-told", "pay-without-refunds"] as const;
export type DemoOutcome = (typeof OUTCOMES)[number];

const urlOf = (paymentId: string) => `/api/demo-provider/payments/${encodeURIComponent(paymentId)}`;

export function demoPaymentQuery(paymentId: string) {
  return queryOptions({
    queryKey: queryKey("demo-provider", paymentId),
    queryFn: ({ signal }) => http<DemoPayment>({ url: urlOf(paymentId), method: "GET", signal }),
  });
}

export function choose(paymentId: string, outcome: DemoOutcome): Promise<DemoPayment> {
  return http<DemoPayment>({ url: urlOf(paymentId), method: "POST", data: { outcome } });
}
