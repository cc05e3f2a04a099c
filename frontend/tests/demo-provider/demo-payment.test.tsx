import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { DemoPaymentPage } from "@/features/demo-provider/demo-payment-page";
import type { DemoPayment } from "@/features/demo-provider/queries";

import { problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const OPEN: DemoPayment = {
  id: "p", hold_id: "h", event_id: "e", description: "Concert", amount: "100.00", currency: "EUR", state: "open",
}; // prettier-ignore

function open(shown: DemoPayment, answer: () => Response = () => HttpResponse.json(shown)) {
  const sent: unknown[] = [];
  server.use(
    http.get("*/api/demo-provider/payments/p", () => HttpResponse.json(shown)),
    http.post("*/api/demo-provider/payments/p", async ({ request }) => {
      sent.push(await request.json());
      return answer();
    }),
  );
  renderPage(<DemoPaymentPage />, { path: "/pay/demo/p", pattern: "/pay/demo/:paymentId" });
  return sent;
}

it.each([
  ["Pay", "pay", "sent"],
  ["Pay slowly", "pay-slowly", "sent"],
  ["Refuse the card", "decline", "declined"],
])("%s is done once, and leads back to the order", async (label, outcome, told) => {
  const sent = open(OPEN);
  expect(await screen.findByTestId("amount")).toHaveTextContent("€100.00");
  expect(screen.getByText("No money moves")).toBeVisible();
  await userEvent.dblClick(screen.getByRole("button", { name: label }));
  expect((await screen.findByTestId("elsewhere")).textContent).toBe(`/checkout/h?payment=${told}`);
  expect(sent).toEqual([{ outcome }]);
});

it("what was paid is not paid again", async () => {
  open({ ...OPEN, state: "paid" });
  expect(await screen.findByRole("status")).toHaveTextContent("This payment was made.");
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByRole("link", { name: "Back to the order" })).toHaveAttribute("href", "/checkout/h");
});

it("what fails is said, and can be tried again", async () => {
  open(OPEN, () => problem(500, "internal-error"));
  await userEvent.click(await screen.findByRole("button", { name: "Pay" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Please try again.");
  expect(screen.getByRole("button", { name: "Pay" })).toBeEnabled();
});

it("an unknown payment is not found", async () => {
  open(OPEN);
  server.use(http.get("*/api/demo-provider/payments/p", () => problem(404, "payment-not-found")));
  expect(await screen.findByRole("heading", { level: 1, name: "Payment not found" })).toBeVisible();
});
