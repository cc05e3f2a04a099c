import { formatCount } from "@/shared/formatting/counts";

export const statisticsAsOfText = {
  title: "Statistics as of a date",
  lead: "Revenue and sales as of any time or ledger position, recalculated from the ledger.",
  now: "Now",
  asOf: (position: number) => `As of ledger position ${formatCount(position)}`,
  net: "Net revenue",
  grossAndRefunded: (gross: string, refunded: string) => `${gross} gross, ${refunded} refunds`,
  bookings: "Bookings",
  cancellations: "Cancellations",
  taken: "Seats taken",
  of: (taken: number, capacity: number) => `${formatCount(taken)} of ${formatCount(capacity)}`,
  events: "Events",
  eventsBy: (active: number, completed: number, cancelled: number) =>
    `${formatCount(active)} active, ${formatCount(completed)} completed, ${formatCount(cancelled)} cancelled`,
};
