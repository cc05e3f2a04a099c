import { formatCount } from "@/shared/formatting/counts";
import type { DeliveryState } from "@/shared/api/generated/model";

/** The reasons that a mail server gives, by what its reply begins with. */
const replies: [begins: RegExp, reason: string][] = [
  [/^(550|551|553|556)\b/, "The mail server says that there is no such address, or that it takes no mail."],
  [/^(452|552)\b/, "The mailbox is full."],
  [/^(554)\b/, "The mail server takes this mail for spam, or takes none from here."],
  [/^4\d\d\b/, "The mail server asked to try again later."],
  [/^5\d\d\b/, "The mail server refused it for good."],
];

export const mailsText = {
  title: (number: number) => `Mails about booking no. ${number}`,
  show: (number: number) => `Show the mails about booking no. ${number}`,
  close: "Close",
  list: "Mails",
  loading: "Loading the mails",
  kinds: {
    "booking-confirmed": "Confirmation with tickets",
    "tickets-cancelled": "Cancelled tickets",
    "payment-not-booked": "Payment without a booking",
    "event-changed": "Event moved or renamed",
    "event-cancelled": "Event cancelled",
    "link-renewed": "New link to the booking",
    reminder: "Reminder",
    announcement: "Message to attendees",
  } as Readonly<Record<string, string>>,
  otherKind: "Message",
  states: {
    due: "Waiting",
    sent: "Sent",
    failed: "Not delivered",
    skipped: "Not needed",
    held: "Held back",
  } satisfies Record<DeliveryState, string>,
  to: (name: string) => `To ${name}`,
  toErased: "To a deleted account",
  sent: (at: string) => `Sent on ${at}`,
  next: (at: string) => `Next try on ${at}`,
  made: (at: string) => `Since ${at}`,
  tries: (count: number) => `${formatCount(count)} tries`,
  requested: "Asked for again",
  held: "A backup was restored while it was waiting. The operator sends or drops it.",
  /** In plain words; what the server replied is shown beside it. */
  reason: (error: string) => replies.find(([begins]) => begins.test(error))?.[1] ?? null,
  again: "Send again",
  againOf: (kind: string, at: string) => `Send again: ${kind}, ${at}`,
  onItsWay: "It is on its way, as another mail.",
  none: {
    title: "No mail yet",
    text: "Mails to the customer appear here when they are due. They are kept for 90 days.",
    off: "This installation sends no mail.",
    action: "Mail the tickets",
  },
  problems: {
    "mail-off": "This installation sends no mail.",
    "too-many-attempts": "It was sent again several times already. Try again later.",
    "no-tickets-left": "All tickets of this booking are cancelled: there are none to send.",
    "no-recipient": "The customer has no e-mail address any more.",
    "notification-waiting": "It is still waiting, and is sent by itself.",
    "notification-not-found": "It is not kept any more.",
    unreachable: "The server did not respond. Try again: nothing is sent twice.",
    other: "Nothing was sent. Please try again.",
  } as Readonly<Record<string, string>>,
};
