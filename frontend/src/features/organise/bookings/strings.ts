import { formatCount } from "@/shared/formatting/counts";

export const eventBookingsText = {
  table: "Bookings",
  search: "Name, e-mail, code or number",
  status: "Status",
  statuses: { all: "All", confirmed: "Confirmed", cancelled: "Cancelled" },
  columns: {
    number: "Booking",
    customer: "Customer",
    tickets: "Tickets",
    amount: "Amount",
    when: "Booked",
    status: "Status",
  },
  walkIn: "Walk-in",
  erased: "Erased account",
  number: (value: number) => `No. ${value}`,
  used: (used: number) => `${formatCount(used)} checked in`,
  refunded: (amount: string) => `${amount} refunded`,
  shown: (shown: number, hasMore: boolean) => {
    if (hasMore) return `The newest ${formatCount(shown)} bookings`;
    return shown === 1 ? "1 booking" : `${formatCount(shown)} bookings`;
  },
  none: { title: "Nobody has booked yet", text: "Whoever does, here or at the box office, is listed here at once." },
  noMatch: { title: "No booking matches", text: "Try another word, or every status.", action: "Show all" },
};
