import { formatCount } from "@/shared/formatting/counts";
import { seats, tickets } from "@/shared/strings/counts";

export const boxOfficeText = {
  title: "Sell tickets",
  to: "To whom",
  walkIn: "A walk-in",
  named: "A named customer",
  walkInHint: "No account and no limit. Print the tickets or let them be photographed.",
  namedHint: "Found by e-mail, or made: the tickets are in their bookings when they sign in.",
  name: "Name",
  email: "E-mail",
  left: (available: number) => (available === 0 ? "Sold out" : `${seats(available)} left`),
  onlyLeft: (available: number) =>
    available === 0
      ? "Sold out."
      : `Only ${available === 1 ? "1 seat is" : `${formatCount(available)} seats are`} left.`,
  total: "Total",
  sell: (quantity: number) => (quantity === 0 ? "Sell" : `Sell ${tickets(quantity)}`),
  nothingChosen: "Choose how many tickets first.",
  required: "Say who it is.",
  invalidEmail: "That is no e-mail address.",
  sold: (quantity: number) => `${tickets(quantity)} sold`,
  soldTo: (who: string, amount: string) => `To ${who}, for ${amount}.`,
  someWalkIn: "a walk-in",
  whenLeft: {
    sold: (who: string, amount: string, number: number) => `To ${who}, for ${amount}: booking no. ${number}.`,
    failed: "The sale that you left",
  },
  ticket: (number: number, all: number) => `Ticket ${number} of ${all}`,
  qr: (code: string) => `QR code of ticket ${code}`,
  print: "Print tickets",
  next: "Sell to the next",
  booking: "Open the booking",
  problems: {
    soldOut: (available: number) =>
      available === 0
        ? "The last seats of this category are gone."
        : `Only ${seats(available)} of this category are left.`,
    limit: (limit: number, held: number) =>
      `A customer may hold ${tickets(limit)}, and this one holds ${formatCount(held)}.`,
    tooLarge: (limit: number) => `One booking holds at most ${tickets(limit)}: sell the rest in a second one.`,
    past: "The event is past or closed: nothing can be sold any more.",
    unknown: "No answer came. Sell again: if it was sold, you get that sale and no second one.",
    other: "Nothing was sold. Please try again.",
  },
};
