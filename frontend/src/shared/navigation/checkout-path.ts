/** What is known when a customer comes back from a payment provider: the payment was sent there, or the card was refused. */
export const PaymentOutcome = { sent: "sent", declined: "declined" } as const;
export type PaymentOutcome = (typeof PaymentOutcome)[keyof typeof PaymentOutcome];

/** The name of the query parameter that says so. */
export const OUTCOME_PARAMETER = "payment";

/** The page of an order that is paid online. One can come back to it at any time. */
export function checkoutPath(holdId: string, outcome?: PaymentOutcome): string {
  const path = `/checkout/${holdId}`;
  return outcome === undefined ? path : `${path}?${new URLSearchParams({ [OUTCOME_PARAMETER]: outcome })}`;
}
