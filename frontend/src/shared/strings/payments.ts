import type { PaymentMethod } from "@/shared/api/generated/model";

/** `number`: null if nothing could be booked for what was paid. */
const forBooking = (number: number | null) =>
  number === null ? "for a payment without a booking" : `for booking no. ${number}`;

const REFUND_FAILED = "Refund failed";

/** Payments and refunds, wherever they are shown. */
export const paymentsText = {
  payment: "Payment",
  statuses: {
    due: "Payment due",
    paid: "Paid",
    "refund-due": "Refund owed",
    refunded: "Refunded",
    "part-refunded": "Partly refunded",
  },
  refundFailed: REFUND_FAILED,
  methods: {
    cash: "Cash",
    card: "Card",
    bank: "Bank transfer",
    other: "Other",
    demo: "Demo provider",
    stripe: "Card, by Stripe",
    bank_transfer: "Bank transfer",
    original: "Back to the card",
  } as Record<string, string>,
  movements: {
    title: "Payments and refunds",
    kinds: {
      started: "Payment started",
      received: "Paid",
      owed: "Refund owed",
      "paid-back": "Refund paid",
      failed: REFUND_FAILED,
    },
    reasons: {
      cancelled: "for cancelled tickets",
      goodwill: "out of goodwill",
      exceeds: "more than the price was paid",
      "not-booked": "nothing could be booked",
    } as Record<string, string>,
    failures: { "refunds-refused": "the card takes no refunds" } as Record<string, string>,
    reference: (reference: string) => `reference ${reference}`,
  },
  due: (amount: string) => `${amount} due`,
  owed: (amount: string) => `${amount} owed`,
  refunded: (amount: string) => `${amount} refunded`,

  method: "How",
  reference: "Reference",
  referenceHint: "Optional, such as the number of a receipt. Never that of a card or a bank account.",
  amount: "Amount",
  take: {
    action: "Take payment",
    label: (number: number | null) => `Take payment ${forBooking(number)}`,
    title: "Take payment",
    due: (number: number | null) => `Due ${forBooking(number)}`,
    submit: (amount: string) => `Record payment of ${amount}`,
    cancel: "Not now",
    done: (amount: string, number: number | null) => `Payment of ${amount} recorded ${forBooking(number)}.`,
  },
  refund: {
    action: "Pay refund",
    label: (number: number | null) => `Pay refund ${forBooking(number)}`,
    title: "Pay refund",
    owed: (number: number | null) => `Owed ${forBooking(number)}`,
    most: (amount: string) => `At most ${amount}: what was paid and not refunded.`,
    byItself: "It was paid online: the payment provider pays it back, without anybody's doing.",
    partByItself: (amount: string) => `${amount} of it is paid back by the payment provider, without anybody's doing.`,
    providerHint: "The payment provider that took the money pays it back. Until it has, it is owed.",
    close: "Close",
    partOwed: (amount: string) =>
      `I give back ${amount} more than is owed, out of goodwill. This lowers the price of the booking, and is not owed again for tickets that are cancelled later.`,
    nothingOwed: (amount: string) =>
      `Nothing is owed: I give back ${amount} out of goodwill. This lowers the price of the booking, and is not owed again for tickets that are cancelled later.`,
    agree: "Confirm this, or enter what is owed.",
    submit: (amount: string) => `Record refund of ${amount}`,
    submitByProvider: (amount: string) => `Have ${amount} paid back`,
    submitNothing: "Record refund",
    cancel: "Not now",
    doneByProvider: (amount: string, number: number | null) =>
      `${amount} is owed ${forBooking(number)}, and the payment provider pays it back.`,
    done: (amount: string, number: number | null) => `Refund of ${amount} recorded ${forBooking(number)}.`,
  },
  checks: {
    amount: "Enter an amount above 0, such as 12.50.",
    wholeAmount: "Enter a whole amount above 0.",
    ambiguous: "Thousands or decimals? Enter it without a thousands separator: 1234 or 12.34.",
    otherCurrency: (currency: string) => `This booking is in ${currency}.`,
    most: (amount: string) => `At most ${amount} can be paid back for this booking.`,
  },
  problems: {
    alreadyPaid: "Nothing is due for this booking any more: it was paid or cancelled. Nothing was recorded.",
    amountDiffers: (amount: string) => `The amount has changed: ${amount} is due now. Nothing was recorded.`,
    elsewhere: "This booking is not paid through Seatledger. Nothing was recorded.",
    malformed: "Please correct the marked fields.",
    unknown: "The server did not respond. Submit again: nothing is recorded twice.",
    other: "Nothing was recorded. Please try again.",
  },
  /** How an event can be paid. */
  ways: {
    box_office: "At the box office",
    demo: "Online, with the demo provider",
    stripe: "Online, by card",
    bank_transfer: "By bank transfer",
  } satisfies Record<PaymentMethod, string>,
  /** Before booking. */
  admitsOncePaid: "Tickets admit once they are paid.",
  bookedOncePaid: "The seats are booked once they are paid.",
};
