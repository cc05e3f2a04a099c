import { formatCount } from "@/shared/formatting/counts";
import { paymentsText } from "@/shared/strings/payments";

const payment = paymentsText.statuses;

export const eventBookingsText = {
  table: "Bookings",
  search: "Name, e-mail, code or number",
  status: "Status",
  statuses: { all: "All", confirmed: "Confirmed", cancelled: "Cancelled" },
  payments: { all: "Paid or not", due: payment.due, paid: payment.paid, "refund-due": payment["refund-due"] },
  columns: {
    number: "Booking",
    customer: "Customer",
    tickets: "Tickets",
    amount: "Amount",
    when: "Booked",
    status: "Status",
    mails: "Mails",
  },
  walkIn: "Walk-in",
  erased: "Deleted account",
  number: (value: number) => `No. ${value}`,
  used: (used: number) => `${formatCount(used)} checked in`,
  refunded: (amount: string) => `${amount} refund`,
  shown: (shown: number, hasMore: boolean) => {
    if (hasMore) return `The newest ${formatCount(shown)} bookings`;
    return shown === 1 ? "1 booking" : `${formatCount(shown)} bookings`;
  },
  none: { title: "No bookings yet", text: "New bookings appear here immediately." },
  noMatch: { title: "No bookings found", text: "Try another search term or another status.", action: "Show all" },
};
