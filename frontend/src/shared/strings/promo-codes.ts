import { formatCount } from "@/shared/formatting/counts";

import { tickets } from "./counts";

const names = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** Promo codes, where somebody enters one. */
export const promoCodesText = {
  have: "I have a promo code",
  label: "Promo code",
  remove: "Remove promo code",
  /** Of a category that is sold only with one. */
  needed: "With a promo code",
  enter: "Enter promo code",
  enterFor: (category: string) => `Enter promo code for ${category}`,
  needsCode: (category: string) => `${category} is sold only with a promo code.`,
  /** What an order costs before its promo code is known to the server. */
  totalWithout: "Without promo code",
  problems: {
    unknown: "This event has no such promo code. Check how it is written.",
    notYet: (moment: string) => `This promo code is valid from ${moment}.`,
    over: (moment: string) => `This promo code was valid until ${moment}.`,
    withdrawn: "This promo code is not valid any more.",
    otherCategories: (categories: readonly string[]) =>
      `This promo code is only for tickets in ${names.format(categories)}.`,
    noCategory: "This promo code is for tickets that are not sold any more.",
    usedUp: "This promo code has been used up.",
    fewLeft: (left: number) => `This promo code is good for only ${tickets(left)} more.`,
    required: (category: string) => `${category} is sold only with a promo code. Enter yours here.`,
    otherRequired: (category: string) => `${category} is sold only with a promo code, and this one is not for it.`,
    tooMany: (seconds: number) =>
      `Too many wrong promo codes were entered. Try again in ${seconds === 1 ? "a second" : `${formatCount(seconds)} seconds`}.`,
  },
};
