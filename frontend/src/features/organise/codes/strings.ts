import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

const codes = (count: number) => (count === 1 ? "1 code" : `${formatCount(count)} codes`);
const names = new Intl.ListFormat("en-GB", { type: "conjunction" });

export const codesText = {
  title: "Promo codes",
  add: "New promo codes",
  most: (limit: number) => `An event has at most ${formatCount(limit)} batches of promo codes.`,
  closed: "This event is closed: its promo codes can't be changed.",
  none: {
    title: "No promo codes yet",
    text: "Promo codes take something off the price, or open categories that are sold only with one.",
  },
  columns: { codes: "Codes", effect: "Effect", valid: "Valid", used: "Used", revenue: "Revenue", action: "Action" },
  codes,
  /** Of codes that begin alike. */
  prefix: (prefix: string) => `${prefix}-…`,
  made: (moment: string) => `Made on ${moment}`,
  effects: { percent: (value: string) => `${value} off`, fixed: (value: string) => `${value} off`, access: "Access" },
  allCategories: "All categories",
  removedCategory: "a removed category",
  always: "No time limit",
  from: (moment: string) => `From ${moment}`,
  until: (moment: string) => `Until ${moment}`,
  states: { withdrawn: "Withdrawn", over: "Over", "not-yet": "Not yet valid" },
  withdrawnAt: (moment: string) => `On ${moment}`,
  used: (used: number, all: number) => `${formatCount(used)} of ${tickets(all)}`,
  held: (held: number) => `${formatCount(held)} of them in open orders`,
  refunded: (amount: string) => `${amount} refunded`,

  withdraw: {
    action: "Withdraw",
    label: (name: string) => `Withdraw ${name}`,
    title: "Withdraw promo codes?",
    /** Of codes that are not one word. */
    many: (count: number, prefix: string) => `The ${codes(count)}${prefix === "" ? "" : ` ${prefix}-…`}`,
    text: (name: string, count: number) =>
      `${name} will not be accepted any more. Tickets that were booked with ${count === 1 ? "it" : "them"} stay valid, and orders that are open now can still be completed. This can't be undone.`,
    access: (categories: readonly string[]) =>
      `Tickets in ${categories.length === 0 ? "all categories" : names.format(categories)} can then be booked without a promo code, unless other promo codes give access.`,
    confirm: "Withdraw promo codes",
    keep: "Keep them",
    done: "The promo codes have been withdrawn.",
    failed: "Nothing was changed. Please try again.",
    unknown: "The server did not respond. Please try again.",
  },

  form: {
    effect: "Effect",
    effects: {
      percent: { label: "Percentage off", hint: "Off the price of each ticket." },
      fixed: { label: "Amount off", hint: "Off the price of each ticket, down to nothing." },
      access: { label: "Access", hint: "Categories are sold only with a promo code." },
    },
    percent: "Percentage",
    amount: (currency: string) => `Amount off each ticket (${currency})`,
    categories: "Categories",
    categoriesHint: "None chosen: all categories.",
    accessHint: "They are then sold only with a promo code. None chosen: all categories.",
    kind: "Codes",
    kinds: {
      word: { label: "One code that you choose", hint: "A word for everybody, such as EARLY." },
      many: { label: "Generated codes", hint: "One for each person or partner, hard to guess." },
    },
    code: "Promo code",
    codeHint: "Letters, digits and hyphens.",
    count: "Number of codes",
    countHint: "10,000 at most.",
    prefix: "Prefix",
    prefixHint: "Empty: none.",
    maxTickets: "Tickets per code",
    maxTicketsHint: "Over all orders.",
    validFrom: "Valid from",
    validFromHint: "Empty: immediately.",
    validUntil: "Valid until",
    validUntilHint: "Empty: without end.",
    zone: (zone: string) => `Times are in ${zone.replaceAll("_", " ")}.`,
    submit: "Make promo codes",
    cancel: "Cancel",
    done: (code: string) => `Customers can now use the promo code ${code}.`,
  },
  checks: {
    percent: "A percentage above 0, at most 100, such as 12.5.",
    amount: "An amount above 0, such as 12.50.",
    wholeAmount: "A whole amount above 0.",
    otherCurrency: (currency: string) => `The prices of this event are in ${currency}.`,
    ambiguous: "Thousands or decimals? Enter it without a thousands separator: 1234 or 12.34.",
    tooDear: "At most 9,999,999,999.",
    whole: (most: number) => `A whole number from 1 to ${formatCount(most)}.`,
    letters: (least: number, most: number) =>
      `${formatCount(least)} to ${formatCount(most)} letters and digits, and hyphens between them.`,
    future: "Must be in the future.",
    afterFrom: "Must be after “Valid from”.",
    taken: "This event has this promo code already. Withdraw that one first, or choose another.",
  },
  problems: {
    malformed: "Please correct the marked fields.",
    closed: "The event has been closed and can no longer be changed.",
    upgrade: "The system is being upgraded: promo codes can be made when that is done. Nothing was saved.",
    unknown: "The server did not respond. Submit again: nothing is made twice.",
    other: "Nothing was saved. Please try again.",
  },

  shown: {
    title: (count: number) => (count === 1 ? "Your promo code" : `Your ${formatCount(count)} promo codes`),
    once: (count: number) =>
      `Copy or download ${count === 1 ? "it" : "them"} now: ${count === 1 ? "it" : "they"} can't be shown again.`,
    label: "Promo codes",
    copy: "Copy",
    copied: "Copied",
    download: "Download CSV",
    close: (count: number) => `I have saved ${count === 1 ? "it" : "them"}`,
  },
};
