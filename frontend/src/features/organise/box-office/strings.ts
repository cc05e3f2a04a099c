import { formatCount } from "@/shared/formatting/counts";
import { seats, tickets } from "@/shared/strings/counts";

export const boxOfficeText = {
  title: "Sell tickets",
  to: "Customer",
  walkIn: "Walk-in",
  named: "Named customer",
  walkInHint: "No account and no ticket limit. Print the tickets or let the customer photograph them.",
  namedHint:
    "The tickets are mailed to this address, with a link to see and cancel them. No account is needed; one with the same confirmed address shows them, too.",
  namedHintWithoutMail:
    "This installation sends no mail: print the tickets. An account with the same confirmed address shows them, too.",
  name: "Name",
  email: "E-mail",
  left: (available: number) => (available === 0 ? "Sold out" : `${seats(available)} left`),
  needsCodeOnline: "Customers need a promo code",
  onlyLeft: (available: number) =>
    available === 0
      ? "Sold out."
      : `Only ${available === 1 ? "1 seat is" : `${formatCount(available)} seats are`} left.`,
  total: "Total",
  sell: (quantity: number) => (quantity === 0 ? "Sell" : `Sell ${tickets(quantity)}`),
  nothingChosen: "Choose the number of tickets first.",
  required: "Enter a name.",
  invalidEmail: "Enter a valid e-mail address.",
  sold: (quantity: number) => `${tickets(quantity)} sold`,
  soldTo: (who: string, amount: string) => `To ${who}, for ${amount}.`,
  discount: (amount: string) => `The promo code took ${amount} off.`,
  mailed: (email: string) => `The tickets are on their way to ${email}.`,
  someWalkIn: "a walk-in",
  whenLeft: {
    sold: (who: string, amount: string, number: number) => `To ${who}, for ${amount}: booking no. ${number}.`,
    failed: "Your last sale failed",
  },
  ticket: (number: number, all: number) => `Ticket ${number} of ${all}`,
  qr: (code: string) => `QR code of ticket ${code}`,
  print: "Print tickets",
  next: "New sale",
  booking: "Open booking",
  problems: {
    soldOut: (available: number) =>
      available === 0 ? "This category is sold out." : `Only ${seats(available)} left in this category.`,
    limit: (limit: number, held: number) =>
      `At most ${tickets(limit)} per customer. This customer already holds ${formatCount(held)}.`,
    priceChanged: (total: string) =>
      `The price has changed: ${total} in total now. Nothing was sold; sell again to accept.`,
    tooLarge: (limit: number) => `A booking can hold at most ${tickets(limit)}. Sell the rest separately.`,
    past: "The event is over or closed. Tickets can no longer be sold.",
    unknown: "The server did not respond. Sell again: if the sale was made, you get that sale, not a second one.",
    other: "Nothing was sold. Please try again.",
  },
};
