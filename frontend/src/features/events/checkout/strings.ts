import { formatCount } from "@/shared/formatting/counts";
import { tickets } from "@/shared/strings/counts";

const minutes = (count: number) => (count === 1 ? "a minute" : `${formatCount(count)} minutes`);

export const checkoutText = {
  title: "Your order",
  back: "Change your selection",
  summary: "Order summary",
  code: (code: string) => `Promo code ${code}`,
  total: "Total",
  noFees: "There are no fees.",
  held: {
    until: "Held for you",
    left: (time: string) => `${time} left`,
    /** For screen readers, now and then. */
    announced: (count: number) => `The seats are held for you for ${minutes(count)} more.`,
    lessThanAMinute: "The seats are held for you for less than a minute.",
    moreTime: "I need more time",
    extended: (time: string) => `You have until ${time}.`,
    noMoreTime: "The time can't be extended again.",
  },
  details: "Your details",
  asAccount: (name: string) => `You are signed in as ${name}. The tickets will be in your bookings.`,
  signIn: "Sign in instead",
  auditor: "Auditor accounts can't book. Sign in with another account to book.",
  over: {
    title: "The time is over",
    text: "Nothing was booked. Your details are kept, and the seats may still be free.",
    action: "Hold the same seats again",
    /** `isShared`: with another category of the order. */
    left: (available: number, category: string, isShared: boolean) => {
      const where = `left in ${category}${isShared ? " beside the rest of your order" : ""}.`;
      return available === 0 ? `No seats are ${where}` : `Only ${tickets(available)} ${where}`;
    },
    mayComeBack: (held: number) =>
      `${held === 1 ? "1 seat is" : `${formatCount(held)} seats are`} held by others and may come back.`,
    choose: "Choose again",
  },
  ended: {
    confirmed: { title: "These seats are booked", text: "This order is complete.", action: "See your tickets" },
    released: { title: "You gave these seats back", text: "Nothing was booked.", action: "Choose again" },
    gone: {
      title: "This order is not here",
      text: "It was made in another browser or by somebody else, or it ended long ago.",
      action: "See the event",
    },
  },
  unreachable: "The server does not respond. Your seats stay held meanwhile; we keep trying.",
  notice: {
    title: "You have an order that is not complete",
    text: (time: string) => `Its seats are held for you until ${time}.`,
    action: "Continue",
  },
  hold: {
    action: (quantity: number) => (quantity === 0 ? "Continue" : `Continue with ${tickets(quantity)}`),
    hintWithCode: (count: number) =>
      `Next you see the price with your promo code. The seats are held for ${minutes(count)}.`,
    hint: (count: number) => `The seats are held for you for ${minutes(count)} while you enter your details.`,
    tooMany: {
      title: "Too many open orders",
      text: "Complete or cancel another order of yours first, or try again later.",
    },
  },
};
