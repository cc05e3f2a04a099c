import type { Booking } from "@/shared/api/generated/model";
import { smallerAmount, subtractAmounts } from "@/shared/formatting/amounts";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { hasMoney, keptOf } from "@/shared/payments/payable";

import { bookingsText } from "./strings";
import { priceOf } from "./ticket-prices";

const text = bookingsText.cancel;

/** What happens with the money if these tickets are cancelled. `refund`: what is to be refunded elsewhere; null: nothing. */
export function describeOutcome(
  booking: Booking,
  those: Booking["tickets"],
): { sentence: string; refund: string | null } {
  const price = priceOf(booking, those);
  const money = (amount: string) => formatMoney(amount, booking.currency);
  if (!hasMoney(booking)) {
    return isFree(price)
      ? { sentence: text.free, refund: null }
      : { sentence: text.refund(money(price)), refund: money(price) };
  }
  return { sentence: describePayable(booking, price, money), refund: null };
}

/** Of a booking whose money Seatledger accounts for. */
function describePayable(booking: Booking, price: string, money: (amount: string) => string): string {
  if (!isFree(booking.due_amount)) {
    const due = subtractAmounts(booking.due_amount, smallerAmount(price, booking.due_amount));
    return text.unpaid(isFree(due) ? null : money(due));
  }
  const owed = smallerAmount(price, keptOf(booking));
  return isFree(owed) ? text.free : text.owed(money(owed));
}
