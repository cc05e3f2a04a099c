import type { PaymentMethod } from "@/shared/api/generated/model";
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
    /** For screen readers, now and then. */
    announced: (count: number) => `The seats are held for you for ${minutes(count)} more.`,
    lessThanAMinute: "The seats are held for you for less than a minute.",
    moreTime: "I need more time",
    extended: (time: string) => `You have until ${time}.`,
    noMoreTime: "The time can't be extended again.",
  },
  timeLeft: (time: string) => `${time} left`,
  payable: {
    until: "Time to pay",
    announced: (count: number) => `You have ${minutes(count)} to pay.`,
    lessThanAMinute: "You have less than a minute to pay.",
  },
  details: "Your details",
  payment: {
    title: "Payment",
    ways: {
      demo: { label: "Pay now", hint: "Online, with the demo provider. The seats are booked once they are paid." },
      stripe: { label: "Pay by card", hint: "Online, at once. The seats are booked once they are paid." },
      bank_transfer: {
        label: "Pay by bank transfer",
        hint: "The seats are kept for you, and booked once the money has arrived.",
      },
      box_office: {
        label: "Pay at the venue",
        hint: "The seats are booked at once. Tickets admit once they are paid.",
      },
    } satisfies Record<PaymentMethod, { label: string; hint: string }>,
    action: "Continue to payment",
    confirm: "Confirm and continue to payment",
    hint: "You pay on the next page. The seats are booked once they are paid.",
  },
  pay: {
    sent: {
      title: "We are waiting for your payment.",
      text: "This page changes by itself once the payment has arrived. You can close it and come back.",
    },
    unpaid: {
      title: "Not paid yet",
      text: "If you have paid, this page shows your tickets as soon as the payment arrives.",
    },
    declined: {
      title: "Your payment was refused",
      text: "Nothing was paid. The seats are still held for you: try again, or with another card.",
    },
    card: {
      label: "Card",
      hint: "Your card's number goes to Stripe alone.",
      notPaid: "Nothing was paid",
      refused: "The card was refused. Try again, or with another one.",
      unknown: "Stripe does not respond. Try again: nothing is paid twice.",
      again: "Show the card form again",
      notLoaded: {
        title: "The card form could not be loaded",
        text: "It comes from Stripe (js.stripe.com), which something in this browser or network may block. The seats are still held for you.",
      },
    },
    action: (amount: string) => `Pay ${amount}`,
    again: "Open the payment page again",
    late: {
      title: "The time to pay is over",
      text: "If you have paid, this page shows your tickets as soon as the payment arrives. If you have not, nothing is booked.",
    },
    atVenue: "Pay at the venue instead",
    cancel: {
      action: "Cancel the order",
      title: "Cancel the order?",
      text: "The seats go back on sale, and nothing is booked. If you have paid already, you get that money back without asking for it.",
      keep: "Keep the order",
      failed: "The server did not respond. Please try again.",
    },
    notBooked: {
      title: "Nothing was booked",
      lapsed: {
        title: "The time to pay is over",
        text: "The seats are no longer held for you. If you have paid, they are booked when the payment arrives and they are still free; otherwise you get the money back without asking for it.",
      },
      released: {
        title: "You cancelled this order",
        text: "The seats are on sale again. If you have paid, you get that money back without asking for it.",
      },
      action: "Choose seats again",
    },
    signIn: "Sign in",
  },
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
    paid: { title: "Your seats are booked", text: "The payment has arrived.", action: "See your tickets" },
    released: { title: "You gave these seats back", text: "Nothing was booked.", action: "Choose again" },
    gone: {
      title: "This order is not here",
      text: "It was made in another browser or by somebody else, or it ended long ago.",
      action: "See the event",
    },
    unknown: {
      title: "This order is not here",
      text: "It was made in another browser or by somebody else, or it ended long ago. If it was paid, the mail about the booking leads to the tickets.",
      action: "Browse events",
    },
    signedOut: {
      title: "This order is not here",
      text: "It belongs to an account, or was made in another browser. If it was paid, the mail about the booking leads to the tickets.",
      action: "Sign in",
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
