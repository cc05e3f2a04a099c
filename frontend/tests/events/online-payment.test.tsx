import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";

import { CheckoutPage } from "@/features/events/checkout/checkout-page";
import { findHeld, recallHeld, storeHeld, updateHeld } from "@/features/events/checkout/held-seats";
import { PaymentPage } from "@/features/events/checkout/payment-page";
import { EventPage } from "@/features/events/event-page";
import { getGetMeMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";
import type { Hold, HoldPayment, PaymentMethod } from "@/shared/api/generated/model";

import { ABOUT, account, booking, event, haveSession, hold, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const payment = (payable_until = inMinutes(30)): HoldPayment => ({ id: "p", method: "demo", payable_until });
const STARTED = {
  id: "p", hold_id: "h", method: "demo", amount: "100.00", currency: "EUR", payable_until: inMinutes(30),
  redirect_url: "/pay/demo/p",
}; // prettier-ignore

interface Options {
  methods?: PaymentMethod[];
  /** The answers to the start of the payment; the last one to all others, too. */
  starts?: (() => Response)[];
  token?: string | null;
}

/** A guest's order. `shown`: may be changed while it is shown. */
function have(
  shown: Partial<Hold>,
  { methods = ["demo"], starts = [() => HttpResponse.json(STARTED, { status: 201 })], token = "t" }: Options = {},
) {
  const state = { hold: hold({ id: "h", event_id: "e", ...shown }) };
  const sent: { path: string; body: unknown; bearer: string | null; key: string | null }[] = [];
  const note = async (request: Request) =>
    sent.push({
      path: new URL(request.url).pathname,
      body: await request.json(),
      bearer: request.headers.get("Authorization"),
      key: request.headers.get("Idempotency-Key"),
    });
  storeHeld("h", { eventId: "e", token, until: state.hold.expires_at, name: "", email: "" });
  server.use(
    getGetEventMockHandler(event({ id: "e", guest_checkout: "open", payment: { policy: "online", methods } })),
    getGetAboutMockHandler(ABOUT),
    http.get("*/api/holds/h", () => HttpResponse.json(state.hold)),
    http.delete("*/api/holds/h", () => {
      state.hold = { ...state.hold, status: "released" };
      return HttpResponse.json(state.hold);
    }),
    http.post("*/api/holds/h/payments", async ({ request }) => {
      await note(request);
      return (starts[sent.length - 1] ?? starts.at(-1))?.() ?? HttpResponse.error();
    }),
    http.post("*/api/holds/h/confirm", async ({ request }) => {
      await note(request);
      return HttpResponse.json(booking(), { status: 201 });
    }),
  );
  return { state, sent };
}

const openDetails = () =>
  renderPage(<CheckoutPage />, { path: "/events/e/checkout/h", pattern: "/events/:eventId/checkout/:holdId" });
const openPayment = (outcome = "") =>
  renderPage(<PaymentPage />, { path: `/checkout/h${outcome}`, pattern: "/checkout/:holdId" });
const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const elsewhere = async () => (await screen.findByTestId("elsewhere")).textContent;

async function sayWho() {
  await userEvent.type(await screen.findByLabelText("Name"), "Gus");
  await userEvent.type(screen.getByLabelText("E-mail address"), "gus@example.test");
}

describe("the details of an order", () => {
  it("lead to the provider where customers have to pay first", async () => {
    const { sent } = have({});
    openDetails();
    await sayWho();
    expect(screen.queryByRole("radiogroup", { name: "Payment" })).toBeNull();
    await press("Continue to payment");
    expect(await elsewhere()).toBe("/pay/demo/p");
    expect(sent.map(({ path, body, bearer }) => [path, body, bearer])).toEqual([
      [
        "/api/holds/h/payments",
        { method: "demo", expected_total: "100.00", contact: { name: "Gus", email: "gus@example.test" } },
        "Bearer t",
      ],
    ]);
    expect(recallHeld("h")).toMatchObject({ token: "t", isPaying: true, until: STARTED.payable_until });
  });

  it("offer both ways where there are both", async () => {
    const { sent } = have({}, { methods: ["box_office", "demo"] });
    openDetails();
    await sayWho();
    const choice = screen.getByRole("radiogroup", { name: "Payment" });
    expect(within(choice).getByRole("radio", { name: "Pay now" })).toBeChecked();
    await userEvent.click(within(choice).getByRole("radio", { name: "Pay at the venue" }));
    await press("Book 2 tickets");
    expect(await elsewhere()).toBe("/events/e/booked");
    expect(sent.map(({ path }) => path)).toEqual(["/api/holds/h/confirm"]);
  });

  it("ask for no payment where the order costs nothing", async () => {
    have({ total_amount: "0.00" });
    openDetails();
    expect(await screen.findByRole("button", { name: "Book 2 tickets" })).toBeVisible();
  });

  it("are sent again with the same key while the provider does not respond", async () => {
    const { sent } = have({}, {
      starts: [
        () => problem(503, "provider-unavailable", {}, { "Retry-After": "60" }),
        () => HttpResponse.json(STARTED, { status: 201 }),
      ],
    }); // prettier-ignore
    openDetails();
    await sayWho();
    await press("Continue to payment");
    expect(await screen.findByRole("alert")).toHaveTextContent("The payment provider does not respond");
    expect(screen.getByLabelText("Name")).toHaveAttribute("readonly");
    await press("Try again");
    expect(await elsewhere()).toBe("/pay/demo/p");
    expect(sent[0]?.key).toBe(sent[1]?.key);
  });

  it("offer to pay as soon as the event has to be paid online", async () => {
    have({}, { methods: ["box_office"] });
    openDetails();
    await sayWho();
    server.use(
      http.post("*/api/holds/h/confirm", () => problem(409, "payment-required", { methods: ["demo"] })),
      getGetEventMockHandler(event({ id: "e", guest_checkout: "open", payment: { policy: "online", methods: ["demo"] } })),
    ); // prettier-ignore
    await press("Book 2 tickets");
    expect(await screen.findByRole("alert")).toHaveTextContent("This event is paid online");
    expect(await screen.findByRole("button", { name: "Continue to payment" })).toBeVisible();
  });

  it("are over once the payment was started", async () => {
    have({ payment: payment() });
    openDetails();
    expect(await elsewhere()).toBe("/checkout/h");
  });
});

it("an account holds the seats first, too, where the event is paid online", async () => {
  have({});
  haveSession();
  server.use(getGetMeMockHandler(account()));
  renderPage(<EventPage />, { path: "/events/e", pattern: "/events/:eventId" });
  await press("One more in General");
  expect(await screen.findByRole("button", { name: "Continue with 1 ticket" })).toBeVisible();
  expect(screen.getByText("Online, with the demo provider")).toBeVisible();
});

describe("the page that one comes back to", () => {
  it("says that it waits, and goes on to the tickets once they are booked", async () => {
    const { state } = have({ payment: payment() });
    openPayment("?payment=sent");
    expect(await screen.findByRole("status")).toHaveTextContent("We are waiting for your payment.");
    expect(screen.getByTestId("time-left")).toHaveTextContent(/^(30:00|29:59) left$/);
    expect(screen.getByRole("button", { name: "Open the payment page again" })).toBeVisible();
    state.hold = { ...state.hold, status: "confirmed" };
    expect(await elsewhere()).toBe("/manage");
    expect(findHeld("e", Date.now())).toBeNull(); // it is not offered as an order that is not complete
    expect(recallHeld("h")).not.toBeNull();
  });

  it("leads the account to its booking", async () => {
    haveSession();
    have({ status: "confirmed", payment: payment() }, { token: null });
    server.use(getGetMeMockHandler(account()));
    openPayment();
    expect(await elsewhere()).toBe("/bookings/h");
  });

  it("says that the card was refused, and opens the same payment again", async () => {
    const { sent } = have({ payment: payment() });
    openPayment("?payment=declined");
    expect(await screen.findByRole("alert")).toHaveTextContent("Your payment was refused");
    expect(screen.getByRole("status")).toHaveTextContent("Not paid yet");
    await press("Pay €100.00");
    expect(await elsewhere()).toBe("/pay/demo/p");
    expect(sent.map(({ body, bearer }) => [body, bearer])).toEqual([
      [{ method: "demo", expected_total: "100.00" }, "Bearer t"],
    ]);
  });

  it("offers to pay at the venue instead, where that is possible", async () => {
    const { sent } = have({ payment: payment() }, { methods: ["box_office", "demo"] });
    openPayment();
    await press("Pay at the venue instead");
    expect(await elsewhere()).toBe("/manage");
    expect(sent.map(({ path, body }) => [path, body])).toEqual([
      ["/api/holds/h/confirm", { expected_total: "100.00" }],
    ]);
  });

  it("takes no payment after its time, and still waits for the money", async () => {
    have({ payment: payment(inMinutes(-1)) });
    openPayment("?payment=declined");
    expect(await screen.findByRole("status")).toHaveTextContent("The time to pay is over");
    expect(screen.queryByRole("button", { name: /^Pay/ })).toBeNull();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("gives the seats back after a confirmation, and says what happens with money", async () => {
    have({ payment: payment() });
    openPayment();
    await press("Cancel the order");
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Cancel the order" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Nothing was booked" })).toBeVisible();
    const alert = screen.getByRole("alert");
    expect(alert).toHaveTextContent("You cancelled this order");
    expect(alert).toHaveTextContent("you get that money back");
    expect(alert).not.toHaveTextContent("refunded");
    expect(screen.getByRole("link", { name: "Choose seats again" })).toHaveAttribute(
      "href",
      expect.stringContaining("General"),
    );
  });

  it("says that it is too late", async () => {
    have({ status: "lapsed", payment: payment(inMinutes(-6)) });
    openPayment();
    expect(await screen.findByRole("alert")).toHaveTextContent("The seats are no longer held for you.");
  });

  it("waits until the payment that was started here is shown", async () => {
    const { state } = have({});
    updateHeld("h", { isPaying: true });
    openPayment();
    await waitFor(() => expect(document.querySelector(".mantine-Skeleton-root")).not.toBeNull());
    state.hold = { ...state.hold, payment: payment() };
    expect(await screen.findByRole("status")).toHaveTextContent("Not paid yet");
  });

  it("leads to the details of an order whose payment was not started", async () => {
    have({});
    openPayment();
    expect(await elsewhere()).toBe("/events/e/checkout/h");
  });

  it("is not there for others, who may sign in", async () => {
    have({ payment: payment() }, { token: null });
    openPayment();
    expect(await screen.findByRole("link", { name: "Sign in" })).toHaveAttribute(
      "href",
      "/sign-in?return=%2Fcheckout%2Fh",
    );
  });

  it("is reloaded if it fails to load", async () => {
    have({ payment: payment() });
    server.use(http.get("*/api/holds/h", () => HttpResponse.json({}, { status: 500 }), { once: true }));
    openPayment();
    await press("Try again");
    await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Not paid yet"));
  });
});
