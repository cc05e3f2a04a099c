import type { DemoOutcome } from "./queries";

export const demoProviderText = {
  title: "Demo payment provider",
  noMoney: "No money moves",
  lead: "This page of the demo stands for that of a payment provider. Choose what becomes of the payment.",
  pays: (what: string) => `Tickets for ${what}`,
  choose: "What should happen?",
  outcomes: {
    pay: { label: "Pay", hint: "The money arrives at once." },
    decline: { label: "Refuse the card", hint: "Nothing is paid, and one can try again." },
    "pay-slowly": { label: "Pay slowly", hint: "The money arrives after 20 seconds, without a message." },
    "pay-twice-told": { label: "Pay, told twice", hint: "The provider sends its message twice." },
    "pay-without-refunds": { label: "Pay without refunds", hint: "With a card that takes no refunds." },
  } satisfies Record<DemoOutcome, { label: string; hint: string }>,
  declined: "The card was refused before. Another try may succeed.",
  paid: "This payment was made. It is not taken twice.",
  back: "Back to the order",
  failed: "The server did not respond. Please try again.",
  notFound: { title: "Payment not found", text: "The address may be mistyped." },
};
