import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { PaymentsPage } from "@/features/payments/payments-page";
import { sumPostings } from "@/features/payments/sum-postings";
import { getGetMeMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetBookingMockHandler } from "@/shared/api/generated/bookings/bookings.msw";
import type { AccountBalance, MoneyMovement, Payment, Role } from "@/shared/api/generated/model";

import { account, haveSession, payable } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const balance = (name: string, amount: string, method: string | null = null, currency = "EUR"): AccountBalance => ({
  account: name,
  amount,
  method,
  currency,
});

it("totals are the balances of each currency", () => {
  const balances = [
    balance("cash", "100.00", "cash"),
    balance("cash", "-10.00", "bank"),
    balance("deferred-revenue", "-60.00"),
    balance("receivable", "20.00"),
    balance("refunds-payable", "-50.00"),
    balance("revenue", "0.00"),
    balance("cash", "8000", "card", "JPY"),
    balance("revenue", "-8000", null, "JPY"),
  ];
  expect(sumPostings(balances)).toEqual([
    {
      currency: "EUR", received: "90.00", due: "20.00", owed: "50.00", revenue: "60.00",
      methods: [{ method: "cash", amount: "100.00" }, { method: "bank", amount: "-10.00" }],
    },
    {
      currency: "JPY", received: "8000", due: "0", owed: "0", revenue: "8000",
      methods: [{ method: "card", amount: "8000" }],
    },
  ]); // prettier-ignore
});

const payment = (number: number, more: Partial<Payment> = {}): Payment => ({
  id: `payment-${number}`, number, event_id: "e", event_name: "Concert", booking_id: `b${number}`, booking_number: number,
  customer_name: "Alice", state: "received", method: "cash", amount: "100.00", refund_due_amount: "0.00", refunded_amount: "0.00",
  currency: "EUR", reference: "", failure: "", received_at: "2030-05-01T20:00:00Z",
  ...more,
}); // prettier-ignore

const received: MoneyMovement = {
  kind: "received", amount: "100.00", method: "cash", reference: "", reason: null, at: "2030-05-01T20:00:00Z", position: 7,
}; // prettier-ignore

function open(payments: Payment[], { role = "organizer", path = "/" }: { role?: Role; path?: string } = {}) {
  const asked: string[] = [];
  haveSession();
  server.use(
    getGetMeMockHandler(account({ role })),
    http.get("*/api/events", () => HttpResponse.json({ items: [], next_cursor: null })),
    http.get("*/api/stats/postings", () => HttpResponse.json({ items: [], ledger_position: 9 })),
    http.get("*/api/payments", ({ request }) => {
      const parameters = new URL(request.url).searchParams;
      asked.push(parameters.toString());
      const state = parameters.get("state");
      const [first, limit] = [Number(parameters.get("cursor") ?? 0), Number(parameters.get("limit"))];
      const found = payments.filter((one) => state === null || one.state === state);
      const next = first + limit < found.length ? String(first + limit) : null;
      return HttpResponse.json({ items: found.slice(first, first + limit), next_cursor: next });
    }),
  );
  renderPage(<PaymentsPage />, { path });
  return asked;
}

it("payments are listed page by page", async () => {
  open(Array.from({ length: 60 }, (_, index) => payment(index + 1)));
  expect(await screen.findByText("The newest 50 payments")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Show more" }));
  expect(await screen.findByText("60 payments")).toBeInTheDocument();
  expect(screen.getAllByRole("row")).toHaveLength(61);
});

it("what a provider owes is left to it, and what it can't pay is not", async () => {
  const owed = { state: "refund-due", method: "demo", refund_due_amount: "50.00" } as const;
  const failed = { ...owed, state: "refund-failed", failure: "refunds-refused" } as const;
  open([payment(7, owed), payment(8, failed), payment(9, { ...failed, booking_number: null })]);
  const row = await screen.findByRole("row", { name: /No. 8/ });
  expect(row).toHaveTextContent("Refund failedReason: the card takes no refunds€50.00 owed");
  expect(within(row).getByRole("button", { name: "Pay refund for booking no. 8" })).toBeVisible();
  expect(screen.getByRole("row", { name: /No. 7/ })).toHaveTextContent("Demo provider");
  expect(screen.getAllByRole("button", { name: /^Pay refund/ })).toHaveLength(2);
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/events/e/payments/payment-9/refunds", async ({ request }) => {
      sent.push(await request.json());
      return new HttpResponse(null, { status: 204 });
    }),
  );
  await userEvent.click(screen.getByRole("button", { name: "Pay refund for a payment without a booking" }));
  expect(await screen.findByText("Owed for a payment without a booking")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Record refund of €50.00" }));
  await waitFor(() => expect(sent).toEqual([{ kind: "cash", amount: "50.00", reference: "" }]));
});

it("the state is in the address, and what is owed is worked off from the list", async () => {
  const owed = payment(7, { state: "refund-due", refund_due_amount: "50.00" });
  open([payment(8), owed], { path: "/?state=refund-due" });
  const row = await screen.findByRole("row", { name: /No. 7/ });
  expect(row).toHaveTextContent("Refund owed€50.00 owed");
  expect(screen.queryByRole("row", { name: /No. 8/ })).toBeNull();
  const sent: unknown[] = [];
  server.use(
    getGetBookingMockHandler(payable("refund-due", { id: "b7", number: 7, refund_due_amount: "50.00" })),
    http.get("*/api/bookings/b7/payments", () =>
      HttpResponse.json({ booking_id: "b7", currency: "EUR", items: [received] }),
    ),
    http.post("*/api/bookings/b7/refunds", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(payable("part-refunded", { id: "b7", refunded_amount: "50.00" }), { status: 201 });
    }),
  );
  await userEvent.click(within(row).getByRole("button", { name: "Pay refund for booking no. 7" }));
  await userEvent.click(await screen.findByRole("button", { name: "Record refund of €50.00" }));
  await waitFor(() => expect(sent).toEqual([{ kind: "cash", amount: "50.00", reference: "" }]));
});

it("a part that was refunded is told from all of it", async () => {
  open([
    payment(1, { state: "refunded", refunded_amount: "40.00" }),
    payment(2, { state: "refunded", refunded_amount: "100.00", customer_name: null }),
  ]);
  expect(await screen.findByRole("row", { name: /No. 1/ })).toHaveTextContent("Partly refunded€40.00 refunded");
  const whole = screen.getByRole("row", { name: /No. 2/ });
  expect(within(whole).getByText("Refunded")).toBeInTheDocument();
  expect(whole).toHaveTextContent("Walk-in or deleted account");
});

it("auditors see payments and change nothing", async () => {
  open([payment(1, { state: "refund-due", refund_due_amount: "100.00" })], { role: "auditor" });
  const row = await screen.findByRole("row", { name: /No. 1/ });
  expect(screen.queryByRole("columnheader", { name: "Action" })).toBeNull();
  expect(within(row).queryByRole("button")).toBeNull();
  expect(within(row).getByRole("link")).toHaveAttribute("href", "/ledger/events/e");
});

it("no payment, and none that fits the filter, are told apart", async () => {
  open([]);
  expect(await screen.findByText("No payments yet")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("combobox", { name: "State" }));
  await userEvent.click(await screen.findByRole("option", { name: "Refund owed" }));
  expect(await screen.findByText("No payments found")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Show all" }));
  expect(await screen.findByText("No payments yet")).toBeInTheDocument();
});
