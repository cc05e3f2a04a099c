import { BoxOfficeMethod, type MoneyMovement } from "@/shared/api/generated/model";
import { isMore, smallerAmount, subtractAmounts, sumAmounts } from "@/shared/formatting/amounts";
import { isFree } from "@/shared/formatting/money";

import { hasMoney, type BookingAmounts } from "./payable";

/** Who can pay money of a booking back: the box office what it took, and each provider what it received. */
export interface RefundSources {
  byHand: {
    owed: string;
    /** What is owed, and what can be given back out of goodwill. */
    most: string;
  };
  byProvider: {
    /** Paid back without anybody's doing. */
    owed: string;
    /** What can become owed out of goodwill. */
    most: string;
  };
}

/** Whether the box office took the money, or paid it back. */
export function isByHand(method: string): boolean {
  return method in BoxOfficeMethod;
}

/**
 * Splits what can be paid back, by the movements of the booking. A provider pays back what it received, without anybody's doing,
 * unless it has failed to: then the box office does. Of a booking that was paid both ways the API has the last word.
 */
export function refundSourcesOf(booking: BookingAmounts, movements: readonly MoneyMovement[]): RefundSources {
  const sum = (kind: MoneyMovement["kind"], byHand?: boolean) =>
    sumAmounts(
      movements
        .filter((one) => one.kind === kind && (byHand === undefined || isByHand(one.method ?? "") === byHand))
        .map(({ amount }) => amount),
    );
  const owed = hasMoney(booking) ? booking.refund_due_amount : "0";
  const failed = sum("failed");
  const mostByHand = atLeastNothing(
    subtractAmounts(sumAmounts([sum("received", true), failed]), sum("paid-back", true)),
  );
  const owedByHand = smallerAmount(owed, mostByHand);
  const owedByProvider = subtractAmounts(owed, owedByHand);
  const keptByProvider = subtractAmounts(
    sum("received", false),
    sumAmounts([sum("paid-back", false), failed, owedByProvider]),
  );
  return {
    byHand: { owed: owedByHand, most: mostByHand },
    byProvider: { owed: owedByProvider, most: atLeastNothing(keptByProvider) },
  };
}

/** Whether there is nothing that somebody here could pay back. */
export function isNothingToDo({ byHand, byProvider }: RefundSources): boolean {
  return isFree(byHand.most) && isFree(byProvider.most);
}

function atLeastNothing(amount: string): string {
  return isMore(amount, "0") ? amount : "0";
}
