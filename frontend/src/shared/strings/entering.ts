import { count } from "@/shared/formatting/counts";

export const entering = {
  tickets: (category: string) => `Tickets in ${category}`,
  more: (category: string) => `One more in ${category}`,
  fewer: (category: string) => `One fewer in ${category}`,
  wholeNumber: (most: number) => `Enter a whole number from 0 to ${count(most)}.`,
};
