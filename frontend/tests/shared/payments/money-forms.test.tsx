import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it, vi } from "vitest";

import type { Booking, MoneyMovement } from "@/shared/api/generated/model";
import { BookingRefund } from "@/shared/payments/booking-refund";
import { PaymentForm } from "@/shared/payments/payment-form";
import { RefundForm } from "@/shared/payments/refund-form";
import { refundSourcesOf } from "@/shared/payments/refund-sources";

import { payable, problem } from "../../factories";
import { renderPage } from "../../render-page";
import { server } from "../../server";

interface Sent {
  body: unknown;
  key: string | null;
}

/** Answers with these, one after the other, and the last one again. */
function have(path: "payments" | "refunds", ...answers: (() => Response)[]): Sent[] {
  const sent: Sent[] = [];
  server.use(
    http.post(`*/api/bookings/:id/${path}`, async ({ request }) => {
      sent.push({ body: await request.json(), key: request.headers.get("Idempotency-Key") });
      return (answers[sent.length - 1] ?? answers.at(-1))?.() ?? HttpResponse.error();
    }),
  );
  return sent;
}

const ok = (booking: Booking) => () => HttpResponse.json(booking, { status: 201 });

it("a double click takes one payment of what is due", async () => {
  const paid = payable("paid");
  const sent = have("payments", ok(paid));
  const onDone = vi.fn();
  renderPage(<PaymentForm booking={payable("due")} onDone={onDone} />);
  await userEvent.click(screen.getByRole("radio", { name: "Card" }));
  await userEvent.type(screen.getByLabelText("Reference"), " 0042 ");
  await userEvent.dblClick(screen.getByRole("button", { name: "Record payment of €100.00" }));
  await waitFor(() => expect(onDone).toHaveBeenCalledTimes(1));
  expect(sent.map(({ body }) => body)).toEqual([{ kind: "card", amount: "100.00", reference: "0042" }]);
});

it("a reference that is refused is said at its field, and the same payment has another key only with another body", async () => {
  const refused = () =>
    problem(422, "malformed", { errors: [{ path: "reference", message: "must not be the number of a card" }] });
  const sent = have("payments", refused, ok(payable("paid")));
  const onDone = vi.fn();
  renderPage(<PaymentForm booking={payable("due")} onDone={onDone} />);
  const field = screen.getByLabelText("Reference");
  await userEvent.type(field, "4242 4242 4242 4242");
  await userEvent.click(screen.getByRole("button", { name: "Record payment of €100.00" }));
  await waitFor(() => expect(field).toHaveAccessibleDescription(/must not be the number of a card/));
  await waitFor(() => expect(field).toHaveFocus());
  await userEvent.clear(field);
  await userEvent.click(screen.getByRole("button", { name: "Record payment of €100.00" }));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(sent[0]?.key).not.toBe(sent[1]?.key);
});

it("an amount that has changed is shown, and taken with the next click", async () => {
  const sent = have(
    "payments",
    () => problem(409, "amount-differs", { due_amount: "50.00" }),
    ok(payable("paid", { paid_amount: "50.00" })),
  );
  const onDone = vi.fn();
  renderPage(<PaymentForm booking={payable("due")} onDone={onDone} />);
  await userEvent.click(screen.getByRole("button", { name: "Record payment of €100.00" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("€50.00 is due now. Nothing was recorded.");
  await userEvent.click(screen.getByRole("button", { name: "Record payment of €50.00" }));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(sent[1]?.body).toMatchObject({ amount: "50.00" });
});

it("a booking that was paid meanwhile is said so", async () => {
  have("payments", () => problem(409, "already-paid"));
  renderPage(<PaymentForm booking={payable("due")} onDone={() => undefined} />);
  await userEvent.click(screen.getByRole("button", { name: "Record payment of €100.00" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Nothing is due for this booking any more");
});

const owed = payable("refund-due", { refund_due_amount: "50.00" });

const received: MoneyMovement = {
  kind: "received", amount: "100.00", method: "cash", reference: "", reason: null, at: "2030-05-01T20:00:00Z", position: 7,
}; // prettier-ignore

function openRefund(booking: Booking, movements: MoneyMovement[] = [received]) {
  const onDone = vi.fn();
  const sources = refundSourcesOf(booking, movements);
  renderPage(<RefundForm booking={booking} sources={sources} onDone={onDone} onCancel={() => undefined} />);
  return onDone;
}

it("a refund begins with what is owed", async () => {
  const sent = have("refunds", ok(payable("part-refunded", { refunded_amount: "50.00" })));
  const onDone = openRefund(owed);
  await userEvent.dblClick(screen.getByRole("button", { name: "Record refund of €50.00" }));
  await waitFor(() => expect(onDone).toHaveBeenCalledTimes(1));
  expect(sent.map(({ body }) => body)).toEqual([{ kind: "cash", amount: "50.00", reference: "" }]);
});

it("what is more than owed has to be confirmed, each amount anew", async () => {
  const sent = have("refunds", ok(payable("part-refunded", { refunded_amount: "60.00" })));
  const onDone = openRefund(owed);
  const amount = screen.getByLabelText("Amount");
  await userEvent.clear(amount);
  await userEvent.type(amount, "59,00");
  await userEvent.click(screen.getByRole("checkbox", { name: /I give back €9.00 more than is owed/ }));
  await userEvent.clear(amount);
  await userEvent.type(amount, "60,00");
  await userEvent.click(screen.getByRole("button", { name: "Record refund of €60.00" }));
  const agree = screen.getByRole("checkbox", { name: /I give back €10.00 more than is owed/ });
  await waitFor(() => expect(agree).toHaveFocus());
  expect(screen.getByText("Confirm this, or enter what is owed.")).toBeInTheDocument();
  await userEvent.click(agree);
  await userEvent.click(screen.getByRole("button", { name: "Record refund of €60.00" }));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(sent.map(({ body }) => body)).toEqual([{ kind: "cash", amount: "60.00", reference: "", goodwill: true }]);
});

it.each([
  ["100,01", "At most €100.00 can be paid back for this booking."],
  ["0", "Enter an amount above 0, such as 12.50."],
  ["1,234", /Thousands or decimals/],
  ["$5", "This booking is in EUR."],
])("the refund %s is not sent", async (typed, said) => {
  openRefund(owed);
  const amount = screen.getByLabelText("Amount");
  await userEvent.clear(amount);
  await userEvent.type(amount, typed);
  await userEvent.click(screen.getByRole("button", { name: /^Record refund/ }));
  expect(await screen.findByText(said)).toBeInTheDocument();
  expect(screen.queryByRole("checkbox")).toBeNull();
  await waitFor(() => expect(amount).toHaveFocus());
});

it("less that can be paid back meanwhile is said at the amount", async () => {
  have("refunds", () => problem(409, "refund-exceeds", { refundable_amount: "20.00" }));
  openRefund(owed);
  await userEvent.click(screen.getByRole("button", { name: "Record refund of €50.00" }));
  await waitFor(() =>
    expect(screen.getByLabelText("Amount")).toHaveAccessibleDescription(/At most €20.00 can be paid back/),
  );
});

it("what was paid online is given back by its provider, out of goodwill alone", async () => {
  const sent = have("refunds", ok(payable("refund-due", { refund_due_amount: "10.00" })));
  const onDone = openRefund(payable("paid"), [{ ...received, method: "demo" }]);
  expect(screen.getByRole("radio")).toHaveAccessibleName("Back to the card");
  expect(screen.queryByLabelText("Reference")).toBeNull();
  await userEvent.type(screen.getByLabelText("Amount"), "10");
  await userEvent.click(screen.getByRole("checkbox", { name: /I give back €10.00 out of goodwill/ }));
  await userEvent.click(screen.getByRole("button", { name: "Have €10.00 paid back" }));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(sent.map(({ body }) => body)).toEqual([{ kind: "original", amount: "10", reference: "", goodwill: true }]);
});

it("what a provider owes can't be handed out", async () => {
  const booking = payable("refund-due", { refund_due_amount: "100.00" });
  const items: MoneyMovement[] = [{ ...received, method: "demo" }];
  server.use(
    http.get("*/api/bookings/:id/payments", () =>
      HttpResponse.json({ booking_id: booking.id, currency: "EUR", items }),
    ),
  );
  renderPage(<BookingRefund booking={booking} onDone={() => undefined} onCancel={() => undefined} />);
  expect(await screen.findByText(/the payment provider pays it back/)).toBeVisible();
  expect(screen.queryByRole("button", { name: /Record/ })).toBeNull();
});
