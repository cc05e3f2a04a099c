import { count } from "@/shared/formatting/counts";

export const tables = {
  more: "Show more",
  clearSearch: "Clear search",
  download: {
    csv: "Download CSV",
    failed: "The download did not work. Please try again.",
  },
  asOf: (position: number) => `As of ledger position ${count(position)}`,
};
