import { formatCount } from "@/shared/formatting/counts";

import { seats } from "./counts";

const names = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** Of categories that share seats. */
export const sharedSeatsText = {
  share: (categories: readonly string[], left: number) => `${names.format(categories)} share ${seats(left)}.`,
  onlyLeft: (categories: readonly string[], left: number) => {
    const together = `left for ${names.format(categories)} together.`;
    if (left === 0) return `No seats are ${together}`;
    return `Only ${left === 1 ? "1 seat is" : `${formatCount(left)} seats are`} ${together}`;
  },
};
