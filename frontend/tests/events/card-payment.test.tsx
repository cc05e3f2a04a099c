import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { afterEach, describe, expect, it, vi } from "vitest";

import { storeHeld } from "@/features/events/checkout/held-seats";
import { PaymentPage } from "@/features/events/checkout/payment-page";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";

import { ABOUT, event, hold } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const UNTIL = new Date(Date.now() + 30 * 60_000).toISOString();
const STARTED = {
  id: "p", hold_id: "h", method: "stripe", amount: "100.00", currency: "EUR", payable_until: UNTIL,
  card_form: { publishable_key: "pk_test_1", client_secret: "pi_1_secret_2", script_url: "http://127.0.0.1:9/js" },
}; // prettier-ignore

type Answer = { error?: { code?: string; message?: string }; paymentIntent?: { status: string } };

const element = { mount: vi.fn(), destroy: vi.fn(), update: vi.fn() };
const confirmed: [string, unknown][] = [];
/** What the provider's script answers, one for each card; nothing: it fails. */
let answers: Answer[] = [];
const Script = (() => ({
  elements: () => ({ create: () => element }),
  confirmCardPayment: (secret: string, data: unknown) => {
    confirmed.push([secret, data]);
    const answer = answers[confirmed.length - 1];
    return answer === undefined ? Promise.reject(new Error("away")) : Promise.resolve(answer);
  },
})) as unknown as NonNullable<typeof window.Stripe>;

/** The order of a guest who pays by card. */
function have(told: Answer[]) {
  answers = told;
  window.Stripe = Script;
  storeHeld("h", { eventId: "e", token: "t", until: UNTIL, name: "", email: "" });
  server.use(
    getGetEventMockHandler(event({ id: "e", payment: { policy: "online", methods: ["stripe"] } })),
    getGetAboutMockHandler(ABOUT),
    http.get("*/api/holds/h", () =>
      HttpResponse.json(hold({ id: "h", event_id: "e", payment: { id: "p", method: "stripe", payable_until: UNTIL } })),
    ),
    http.post("*/api/holds/h/payments", () => HttpResponse.json(STARTED, { status: 201 })),
  );
  renderPage(<PaymentPage />, { path: "/checkout/h", pattern: "/checkout/:holdId" });
}

const pay = async () => userEvent.click(await screen.findByRole("button", { name: "Pay €100.00" }));

afterEach(() => {
  confirmed.length = 0;
  element.mount.mockClear();
});

describe("a card", () => {
  it("is asked for in the provider's form, and the payment is waited for", async () => {
    have([{ paymentIntent: { status: "succeeded" } }]);
    await pay();
    expect(await screen.findByRole("group", { name: "Card" })).toBeInTheDocument();
    await waitFor(() => expect(element.mount).toHaveBeenCalledOnce());
    await pay();
    expect(await screen.findByText("We are waiting for your payment.")).toBeInTheDocument();
    expect(confirmed).toEqual([["pi_1_secret_2", { payment_method: { card: element } }]]);
    expect(screen.queryByRole("group", { name: "Card" })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Show the card form again" }));
    expect(await screen.findByRole("group", { name: "Card" })).toBeInTheDocument();
  });

  it("that is refused can be followed by another", async () => {
    have([
      { error: { code: "card_declined", message: "Your card was declined." } },
      { paymentIntent: { status: "requires_payment_method" } },
      { error: { code: "payment_intent_unexpected_state" } },
    ]);
    await pay();
    await screen.findByRole("group", { name: "Card" });
    await pay();
    expect(await screen.findByRole("alert")).toHaveTextContent("Your card was declined.");
    await pay();
    await waitFor(() => expect(screen.getByRole("alert")).toHaveTextContent("The card was refused."));
    await pay(); // it was paid in another tab
    expect(await screen.findByText("We are waiting for your payment.")).toBeInTheDocument();
    expect(confirmed).toHaveLength(3);
  });

  it("is asked for again where the provider does not respond", async () => {
    have([]);
    await pay();
    await screen.findByRole("group", { name: "Card" });
    await pay();
    expect(await screen.findByRole("alert")).toHaveTextContent("Stripe does not respond.");
    expect(screen.getByRole("button", { name: "Pay €100.00" })).toBeEnabled();
  });
});

describe("the provider's script", () => {
  it("may be blocked, and is loaded once it is not", async () => {
    vi.resetModules();
    const { loadCardForm } = await import("@/features/events/checkout/load-card-form");
    delete window.Stripe;
    const scripts: string[] = [];
    const append = vi.spyOn(document.head, "append").mockImplementation((node) => {
      const script = node as HTMLScriptElement;
      scripts.push(script.src);
      if (scripts.length > 1) window.Stripe = Script;
      const event = new Event(scripts.length > 1 ? "load" : "error");
      queueMicrotask(() => void script.dispatchEvent(event));
    });
    await expect(loadCardForm(STARTED.card_form)).rejects.toThrow("can't be loaded");
    expect(await loadCardForm(STARTED.card_form)).toHaveProperty("confirmCardPayment");
    expect(scripts).toEqual(["http://127.0.0.1:9/js", "http://127.0.0.1:9/js"]);
    append.mockRestore();
  });
});
