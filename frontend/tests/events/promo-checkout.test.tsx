import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { CheckoutPage } from "@/features/events/checkout/checkout-page";
import { storeHeld } from "@/features/events/checkout/held-seats";
import { getGetMeMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetHoldMockHandler } from "@/shared/api/generated/bookings/bookings.msw";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";
import type { Hold, HoldConfirmation, NewBooking } from "@/shared/api/generated/model";

import { ABOUT, account, booking, event, haveSession, hold, madeHold, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const DISCOUNTED: Partial<Hold> = {
  id: "h",
  event_id: "e",
  total_amount: "237.50",
  lines: [
    { category: "General", quantity: 2, unit_price: "50.00", amount: "87.50" },
    { category: "VIP", quantity: 1, unit_price: "150.00", amount: "150.00" },
  ],
};

/** Alice's order. `again`: the answer to a request for the same seats. */
function open(
  shown: Hold,
  again: () => Response = () => HttpResponse.json(madeHold({ token: null }), { status: 201 }),
) {
  const confirmed: HoldConfirmation[] = [];
  const held: NewBooking[] = [];
  haveSession();
  storeHeld("h", {
    eventId: "e",
    token: null,
    accountId: "alice",
    until: shown.expires_at,
    name: "",
    email: "",
    code: "EARLY",
  });
  server.use(
    getGetEventMockHandler(event({ id: "e", has_codes: true })),
    getGetHoldMockHandler(shown),
    getGetMeMockHandler(account({ id: "alice" })),
    getGetAboutMockHandler(ABOUT),
    http.post("*/api/holds/h/confirm", async ({ request }) => {
      confirmed.push((await request.json()) as HoldConfirmation);
      return HttpResponse.json(booking(), { status: 201 });
    }),
    http.post("*/api/events/e/holds", async ({ request }) => {
      held.push((await request.json()) as NewBooking);
      return again();
    }),
  );
  renderPage(<CheckoutPage />, { path: "/events/e/checkout/h", pattern: "/events/:eventId/checkout/:holdId" });
  return { confirmed, held };
}

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));

it("list price, discount and total are shown, and confirmed", async () => {
  const { confirmed } = open(hold(DISCOUNTED));
  const summary = await screen.findByRole("region", { name: "Order summary" });
  await waitFor(() =>
    expect(summary).toHaveTextContent(/2 × General€100.00Discount−€12.501 × VIP€150.00Promo code EARLYTotal€237.50/),
  );
  sessionStorage.setItem("seatledger.code e", "EARLY");
  await press("Book 3 tickets");
  expect((await screen.findByTestId("elsewhere")).textContent).toMatch(/^\/bookings\//);
  expect(confirmed).toEqual([{ expected_total: "237.50" }]);
  expect(sessionStorage.getItem("seatledger.code e")).toBeNull();
});

const OVER = { ...DISCOUNTED, status: "lapsed" as const, expires_at: "2020-01-01T00:00:00Z" };

it("the same seats are held again with the same promo code", async () => {
  const { held } = open(hold(OVER));
  await press("Hold the same seats again");
  await screen.findByText("Your order");
  await waitFor(() =>
    expect(held).toEqual([
      {
        tickets: [
          { category: "General", quantity: 2 },
          { category: "VIP", quantity: 1 },
        ],
        code: "EARLY",
      },
    ]),
  );
});

it("a promo code that was used up meanwhile is said, and the selection keeps it", async () => {
  open(hold(OVER), () => problem(409, "code-spent", { left: 0 }));
  await press("Hold the same seats again");
  expect(await screen.findByText("This promo code has been used up.")).toBeVisible();
  const [choose] = screen.getAllByRole("link", { name: "Choose again" });
  await userEvent.click(choose as HTMLElement);
  expect((await screen.findByTestId("elsewhere")).textContent).toMatch(/^\/events\/e\?tickets=/);
  expect(sessionStorage.getItem("seatledger.code e")).toBe("EARLY");
});
