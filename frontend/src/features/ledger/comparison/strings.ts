import { formatCount } from "@/shared/formatting/counts";

export const comparisonText = {
  title: "Compare two points in time",
  lead: "How revenue and sales changed between two points in time, in total and by event.",
  since: "From",
  first: "First entry",
  at: "To",
  now: "Now",
  compare: "Compare",
  presets: [
    { label: "Last 24 hours", hours: 24 },
    { label: "Last 7 days", hours: 7 * 24 },
    { label: "All time", hours: null },
  ],
  start: { title: "Choose two points in time", text: "Enter them above, or choose a period." },
  between: (before: number, after: number) =>
    `From ledger position ${formatCount(before)} to ledger position ${formatCount(after)}`,
  figures: {
    net: "Net revenue",
    gross: "Gross revenue",
    refunded: "Refunds",
    bookings: "Bookings",
    cancellations: "Cancellations",
    taken: "Seats taken",
    capacity: "Seats",
    active: "Active events",
    completed: "Completed events",
    cancelled: "Cancelled events",
  },
  totals: {
    title: "Totals",
    columns: { figure: "Figure", before: "Before", after: "After", change: "Change" },
  },
  events: {
    title: "By event",
    isNew: "New",
    columns: {
      event: "Event",
      taken: "Seats taken",
      bookings: "Bookings",
      cancellations: "Cancellations",
      refunded: "Refunds",
      net: "Net revenue",
    },
    shown: (shown: number, hasMore: boolean) => {
      if (hasMore) return `The newest ${formatCount(shown)} events that changed`;
      return shown === 1 ? "1 event changed" : `${formatCount(shown)} events changed`;
    },
    none: { title: "No events changed", text: "Nothing was scheduled, sold or cancelled in this period." },
  },
};
