import { formatCount } from "@/shared/formatting/counts";

export const comparisonText = {
  title: "Compare two moments",
  lead: "What became of revenue and sales between two moments, in all and event by event.",
  since: "From",
  first: "The first entry",
  at: "To",
  now: "Now",
  compare: "Compare",
  presets: [
    { label: "Last 24 hours", hours: 24 },
    { label: "Last 7 days", hours: 7 * 24 },
    { label: "All time", hours: null },
  ],
  start: { title: "Which two moments?", text: "Name them above, or take one of the usual spans." },
  between: (before: number, after: number) =>
    `From ledger position ${formatCount(before)} to ledger position ${formatCount(after)}`,
  figures: {
    net: "Net revenue",
    gross: "Gross revenue",
    refunded: "Refunded",
    bookings: "Bookings",
    cancellations: "Cancellations",
    taken: "Seats taken",
    capacity: "Seats",
    active: "Active events",
    completed: "Completed events",
    cancelled: "Cancelled events",
  },
  totals: {
    title: "In all",
    columns: { what: "Figure", before: "Before", after: "After", change: "Change" },
  },
  events: {
    title: "Event by event",
    isNew: "New",
    columns: {
      event: "Event",
      taken: "Seats taken",
      bookings: "Bookings",
      cancellations: "Cancellations",
      refunded: "Refunded",
      net: "Net revenue",
    },
    shown: (shown: number, hasMore: boolean) => {
      if (hasMore) return `The newest ${formatCount(shown)} events that changed`;
      return shown === 1 ? "1 event changed" : `${formatCount(shown)} events changed`;
    },
    none: { title: "No event changed", text: "Nothing was scheduled, sold or cancelled between the two." },
  },
};
