import { formatCount } from "@/shared/formatting/counts";

export const statisticsAsOfText = {
  title: "The books then",
  lead: "Revenue and sales as they stood at any moment, folded from the ledger again.",
  now: "Now",
  asOf: (position: number) => `As it stood at ledger position ${formatCount(position)}`,
  net: "Net revenue",
  grossAndRefunded: (gross: string, refunded: string) => `${gross} gross, ${refunded} refunded`,
  bookings: "Bookings",
  cancellations: "Cancellations",
  taken: "Seats taken",
  of: (taken: number, capacity: number) => `${formatCount(taken)} of ${formatCount(capacity)}`,
  events: "Events",
  eventsBy: (active: number, completed: number, cancelled: number) =>
    `${formatCount(active)} active, ${formatCount(completed)} completed, ${formatCount(cancelled)} cancelled`,
};
