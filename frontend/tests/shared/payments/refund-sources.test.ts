import { expect, it } from "vitest";

import { isNothingToDo, refundSourcesOf } from "@/shared/payments/refund-sources";
import type { MoneyMovement, MovementKind } from "@/shared/api/generated/model";

import { payable } from "../../factories";

const movement = (kind: MovementKind, amount: string, method: string | null = null): MoneyMovement => ({
  kind, amount, method, reference: "", reason: null, at: "2030-05-01T20:00:00Z", position: 7,
}); // prettier-ignore

const sources = (owed: string, ...movements: MoneyMovement[]) => {
  const { byHand, byProvider } = refundSourcesOf(payable("paid", { refund_due_amount: owed }), movements);
  return [byHand.owed, byHand.most, byProvider.owed, byProvider.most].map(Number);
};
const online = movement("received", "100.00", "demo");

it.each([
  ["the box office pays back what it took", sources("50.00", movement("received", "100.00", "card")), [50, 100, 0, 0]],
  ["a provider pays by itself what it owes", sources("50.00", online, movement("owed", "50.00")), [0, 0, 50, 50]],
  [
    "of what is kept a provider can pay back",
    sources("0.00", movement("started", "100.00", "demo"), online),
    [0, 0, 0, 100],
  ],
  [
    "the box office pays what a provider could not",
    sources("50.00", online, movement("owed", "50.00"), movement("failed", "50.00")),
    [50, 50, 0, 50],
  ],
  [
    "a part of it, too",
    sources("20.00", online, movement("failed", "50.00"), movement("paid-back", "30.00", "cash")),
    [20, 20, 0, 50],
  ],
  [
    "what a provider has paid back is gone",
    sources("0.00", online, movement("owed", "50.00"), movement("paid-back", "50.00", "demo")),
    [0, 0, 0, 50],
  ],
  [
    "of a booking that was paid twice the box office begins with what it took",
    sources("100.00", movement("received", "100.00", "cash"), online),
    [100, 100, 0, 100],
  ],
])("%s", (_, found, expected) => {
  expect(found).toEqual(expected);
});

it("nothing is to be done where a provider owes everything", () => {
  const all = payable("refund-due", { refund_due_amount: "100.00" });
  expect(isNothingToDo(refundSourcesOf(all, [online, movement("owed", "100.00")]))).toBe(true);
});
