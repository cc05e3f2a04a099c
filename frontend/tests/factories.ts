import { getGetMeResponseMock } from "@/shared/api/generated/accounts/accounts.msw";
import { getBookTicketsResponseMock, getGetHoldResponseMock } from "@/shared/api/generated/bookings/bookings.msw";
import { getGetEventResponseMock } from "@/shared/api/generated/events/events.msw";
import type {
  About,
  Account,
  Booking,
  Category,
  CodeSales,
  Event,
  Hold,
  MadeHold,
  Pool,
} from "@/shared/api/generated/model";

/** Objects with the mocks' random values; a test sets the fields that it needs. */
const LATER = "2031-05-01T19:00:00Z";

export function category(name: string, more: Partial<Category> = {}): Category {
  const seats = { capacity: 10, taken: 0, held: 0, available: 10 };
  return { id: `id-of-${name}`, name, price: "50.00", ...seats, needs_code: false, needs_code_until: null, ...more };
}

export function pool(name: string, categories: readonly Category[], more: Partial<Pool> = {}): Pool {
  const ids = categories.map(({ id }) => id);
  return { id: `id-of-${name}`, name, capacity: 6, taken: 0, held: 0, available: 6, categories: ids, ...more };
}

export function event(more: Partial<Event> = {}): Event {
  const categories = more.categories ?? [category("General"), category("VIP", { price: "150.00" })];
  const available = categories.reduce((sum, category) => sum + category.available, 0);
  const { starts_at = LATER, sales_close_at = null } = more;
  const usual: Partial<Event> = {
    name: "Concert", venue: "Hall", description: "", starts_at, ends_at: null, show_at: null, timezone: "Europe/Berlin", currency: "EUR",
    sales_open_at: null, sales_close_at, past_at: pastAt(starts_at, sales_close_at), status: "active", max_tickets_per_customer: null,
    hold_minutes: 15, pools: [], has_codes: false, payment: { policy: "elsewhere", methods: [] },
  }; // prettier-ignore
  return getGetEventResponseMock({ ...usual, available, ...more, categories });
}

/** The later of start and end of sales; null for an open date. */
function pastAt(starts: string | null, closes: string | null): string | null {
  if (starts === null || closes === null) return starts;
  return Date.parse(closes) > Date.parse(starts) ? closes : starts;
}

export function booking(more: Partial<Booking> = {}): Booking {
  return getBookTicketsResponseMock({
    status: "confirmed", event_name: "Concert", currency: "EUR", total_amount: "100.00", refunded_amount: "0.00",
    payment_status: "none-due", paid_amount: "0.00", due_amount: "0.00", refund_due_amount: "0.00",
    lines: [{ category: "General", quantity: 2, unit_price: "50.00", amount: "100.00" }],
    tickets: ["one", "two"].map((id) => ({ id, code: `CODE-${id}`, category: "General", status: "active" })),
    ...more,
  }); // prettier-ignore
}

/** A booking that is paid at the box office. */
export function payable(status: Booking["payment_status"], amounts: Partial<Booking> = {}): Booking {
  const usual = status === "due" ? { due_amount: "100.00" } : { paid_amount: "100.00" };
  return booking({ number: 12, payment_status: status, ...usual, ...amounts });
}

export function hold(more: Partial<Hold> = {}): Hold {
  return getGetHoldResponseMock({
    status: "open", event_name: "Concert", currency: "EUR", total_amount: "100.00", held_at: new Date().toISOString(),
    expires_at: new Date(Date.now() + 15 * 60_000).toISOString(), payment: null,
    lines: [{ category: "General", quantity: 2, unit_price: "50.00", amount: "100.00" }],
    ...more,
  }); // prettier-ignore
}

/** Of a guest. */
export function madeHold(more: Partial<MadeHold> = {}): MadeHold {
  return { ...hold(), token: "t", ...more };
}

/** Promo codes of which none was used yet. */
export function codeSales(more: Partial<CodeSales> = {}): CodeSales {
  return {
    id: "batch", effect: "percent", value: "10.00", count: 1, max_tickets: 10, categories: [], valid_from: null, valid_until: null,
    prefix: "", code: "EARLY", made_at: "2026-11-20T12:00:00Z", withdrawn_at: null, held: 0, booked: 0, cancelled: 0,
    discount: "0.00", gross: "0.00", refunded: "0.00", currency: "EUR",
    ...more,
  }; // prettier-ignore
}

export const ABOUT: About = {
  name: "Seatledger", version: "1", currency: "EUR", demo_accounts: [], has_mail: true, has_mailbox: false, has_holds: true,
  payment_methods: ["box_office"],
}; // prettier-ignore

export function account(more: Partial<Account> = {}): Account {
  return getGetMeResponseMock({ name: "Alice", email: "alice@example.test", role: "customer", phone: null, ...more });
}

/** Sets the cookie by which the page sees that a user is logged in. */
export function haveSession(): void {
  document.cookie = "seatledger_csrf=abc";
}

export function problem(
  status: number,
  kind: string,
  facts: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Response {
  const body = { type: `/problems/${kind}`, title: kind, status, detail: "…", ...facts };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/problem+json", ...headers },
  });
}
