import { formatCount } from "@/shared/formatting/counts";
import { paymentsText as shared } from "@/shared/strings/payments";

export const paymentsText = {
  title: "Payments",
  lead: {
    own: "What was paid for your events, and what is owed back.",
    all: "What was paid for all events, and what is owed back.",
  },
  totals: {
    title: "Totals",
    in: (currency: string) => `Totals in ${currency}`,
    received: "Received, less refunds paid",
    due: "Still due",
    owed: "Refunds owed",
    revenue: "Price of tickets",
    /** Of an amount of one method. */
    by: (method: string, amount: string) => `${shared.methods[method] ?? method} ${amount}`,
    revenueHint: "Tickets that stand, paid or not",
    dueHint: "By bookings that are not paid",
    owedHint: "To be paid back to customers",
    none: "None yet",
  },
  list: "Payments",
  state: "State",
  filters: {
    all: "All payments",
    received: "Nothing owed or refunded",
    "refund-due": shared.statuses["refund-due"],
    "refund-failed": shared.refundFailed,
    refunded: shared.statuses.refunded,
  },
  states: {
    received: shared.statuses.paid,
    "refund-due": shared.statuses["refund-due"],
    "refund-failed": shared.refundFailed,
    refunded: shared.statuses.refunded,
    "part-refunded": shared.statuses["part-refunded"],
  },
  columns: {
    when: "Received",
    booking: "Booking",
    customer: "Customer",
    event: "Event",
    method: "How",
    amount: "Amount",
    state: "State",
    action: "Action",
  },
  number: (number: number) => `No. ${number}`,
  failure: (reason: string) => `Reason: ${shared.movements.failures[reason] ?? reason}`,
  notBooked: "Nothing booked",
  nobody: "Walk-in or deleted account",
  shown: (shown: number, hasMore: boolean) => {
    if (hasMore) return `The newest ${formatCount(shown)} payments`;
    return shown === 1 ? "1 payment" : `${formatCount(shown)} payments`;
  },
  downloads: { payments: "Payments as CSV", postings: "Postings as CSV" },
  none: { title: "No payments yet", text: "Payments for events that are paid through Seatledger appear here." },
  elsewhere: {
    title: "Payment is taken elsewhere",
    text: "Seatledger accounts for payments if the event is paid through it: choose that under Edit.",
  },
  noMatch: { title: "No payments found", text: "Choose another state or another event.", action: "Show all" },
};
