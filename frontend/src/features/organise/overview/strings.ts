import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

export const overviewText = {
  sold: "Sold",
  left: "Left",
  held: (seats: number) => `${formatCount(seats)} held by people who are about to book`,
  revenue: "Net revenue",
  refunded: (amount: string) => `${amount} refunds`,
  cancelledPrice: (amount: string) => `${amount} for cancelled tickets`,
  categories: "Categories",
  pools: "Pools",
  emptyPool: "none",
  columns: {
    category: "Category",
    price: "Price",
    sold: "Sold",
    left: "Left",
    pool: "Pool",
    shared: "Shared by",
  },
  soldShare: (name: string) => `Share of seats sold in ${name}`,
  closing: "Close the event",
  cancel: {
    button: "Cancel event",
    title: "Cancel this event?",
    nothingSold: "No tickets have been sold. There is nothing to refund.",
    costs: (quantity: number, amount: string) =>
      `${tickets(quantity)} will be cancelled, with refunds of ${amount}. This can't be undone.`,
    owes: (quantity: number, amount: string | null) =>
      `${tickets(quantity)} will be cancelled. ${amount === null ? "Nothing was paid for them, so nothing is owed back." : `${amount} that was paid will be owed back.`} This can't be undone.`,
    counting: "Calculating refunds…",
    unknownCost: (quantity: number) =>
      `${tickets(quantity)} will be cancelled with a full refund. This can't be undone.`,
    reason: "Reason",
    reasonHint: "Kept permanently in the ledger. Do not enter personal data.",
    confirm: "Cancel event and all bookings",
    keep: "Keep the event",
    done: "The event has been cancelled.",
  },
  complete: {
    button: "Complete event",
    title: "Complete this event?",
    text: "Sales, check-in and editing will close. Bookings and revenue are kept.",
    confirm: "Complete event",
    keep: "Not yet",
    done: "The event has been completed.",
  },
  already: "This event has already been closed.",
  failed: "Nothing was changed. Please try again.",
};
