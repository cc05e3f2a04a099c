import { formatCount } from "@/shared/formatting/counts";

export const tablesText = {
  more: "Show more",
  clearSearch: "Clear search",
  download: {
    csv: "Download CSV",
    failed: "The download failed. Please try again.",
  },
  asOf: (position: number) => `As of ledger position ${formatCount(position)}`,
};
