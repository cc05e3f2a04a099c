import { tickets } from "@/shared/strings/counts";

export const overviewText = {
  sold: "Sold",
  left: "Left",
  revenue: "Net revenue",
  refunded: (amount: string) => `${amount} refunded`,
  categories: "Categories",
  columns: { category: "Category", price: "Price", sold: "Sold", left: "Left" },
  soldShare: (name: string) => `Share of the seats in ${name} that is sold`,
  closing: "Close the event",
  cancel: {
    button: "Cancel event",
    title: "Cancel this event?",
    nothingSold: "Nothing has been sold: it costs nothing.",
    costs: (quantity: number, amount: string) =>
      `${tickets(quantity)} will be cancelled and ${amount} refunded. That can't be undone.`,
    counting: "Counting what it costs…",
    unknownCost: (quantity: number) =>
      `${tickets(quantity)} will be cancelled and refunded in full. That can't be undone.`,
    reason: "Reason",
    reasonHint: "Kept in the ledger for good: write no names here.",
    confirm: "Cancel event and refund everybody",
    keep: "Keep the event",
    done: "The event is cancelled.",
  },
  complete: {
    button: "Complete event",
    title: "Complete this event?",
    text: "Nothing more can be sold, checked in or changed. Bookings stand, and the money stays.",
    confirm: "Complete event",
    keep: "Not yet",
    done: "The event is completed.",
  },
  already: "Somebody else has closed this event meanwhile.",
  failed: "That did not work, and nothing was changed. Please try again.",
};
