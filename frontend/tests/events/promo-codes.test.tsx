import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { recallHeld } from "@/features/events/checkout/held-seats";
import { EventPage } from "@/features/events/event-page";
import { getGetMeMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";
import type { Event, NewBooking } from "@/shared/api/generated/model";

import { ABOUT, account, category, event, haveSession, madeHold, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const withCodes = (more: Partial<Event> = {}) => event({ guest_checkout: "open", has_codes: true, ...more });
const made = () => HttpResponse.json(madeHold({ id: "h" }), { status: 201 });
const madeByAccount = () => HttpResponse.json(madeHold({ id: "h", token: null }), { status: 201 });

/** `answer`: to each request for a hold. */
function open(shown: Event, answer: () => Response = made, { isSignedIn = false } = {}) {
  const sent: NewBooking[] = [];
  if (isSignedIn) {
    haveSession();
    server.use(getGetMeMockHandler(account({ id: "alice" })));
  }
  server.use(
    getGetEventMockHandler(shown),
    getGetAboutMockHandler(ABOUT),
    http.post("*/api/events/:id/holds", async ({ request }) => {
      sent.push((await request.json()) as NewBooking);
      return answer();
    }),
  );
  renderPage(<EventPage />, { path: `/events/${shown.id}`, pattern: "/events/:eventId" });
  return sent;
}

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const field = () => screen.findByRole("textbox", { name: "Promo code" });

async function enter(code: string) {
  await press("I have a promo code");
  expect(await field()).toHaveFocus();
  await userEvent.keyboard(code);
}

it("an event without promo codes has no field for one", async () => {
  open(event({ guest_checkout: "open" }));
  expect(await screen.findByRole("button", { name: "One more in General" })).toBeVisible();
  expect(screen.queryByText("I have a promo code")).toBeNull();
});

it.each([true, false])("with a promo code the seats are held without a total (signed in: %s)", async (isSignedIn) => {
  const sent = open(withCodes(), isSignedIn ? madeByAccount : made, { isSignedIn });
  await press("One more in General");
  await enter(" early ");
  expect(screen.getByText("Without promo code")).toBeVisible();
  await press("Continue with 1 ticket");
  expect((await screen.findByTestId("elsewhere")).textContent).toMatch(/\/checkout\/h$/);
  expect(sent).toEqual([{ tickets: [{ category: "General", quantity: 1 }], code: "early" }]);
  expect(recallHeld("h")).toMatchObject(
    isSignedIn ? { token: null, accountId: "alice", code: "early" } : { token: "t", code: "early" },
  );
});

it("what is free is held, too, with what a guest typed before", async () => {
  open(withCodes({ categories: [category("General", { price: "0.00" })] }));
  await press("One more in General");
  await userEvent.type(await screen.findByLabelText("Name"), "Gus");
  await enter("EARLY");
  expect(screen.queryByLabelText("Name")).toBeNull();
  await press("Continue with 1 ticket");
  await screen.findByTestId("elsewhere");
  expect(recallHeld("h")?.name).toBe("Gus");
});

it("without a promo code the seats are held at the total shown", async () => {
  const sent = open(withCodes());
  await press("One more in General");
  await enter("EARLY");
  await press("Remove promo code");
  expect(screen.getByRole("button", { name: "I have a promo code" })).toHaveFocus();
  await press("Continue with 1 ticket");
  await screen.findByTestId("elsewhere");
  expect(sent).toEqual([{ tickets: [{ category: "General", quantity: 1 }], expected_total: "50.00" }]);
});

it.each([
  ["code-unknown", {}, "This event has no such promo code. Check how it is written."],
  ["code-not-valid-now", { valid_from: null, valid_until: null }, "This promo code is not valid any more."],
  ["code-not-valid-now", { valid_from: "2099-05-01T10:00:00Z", valid_until: null }, /^This promo code is valid from /],
  [
    "code-not-valid-now",
    { valid_from: null, valid_until: "2020-05-01T10:00:00Z" },
    /^This promo code was valid until /,
  ],
  ["code-not-for-category", { categories: ["VIP", "Box"] }, "This promo code is only for tickets in VIP and Box."],
  ["code-spent", { left: 0 }, "This promo code has been used up."],
  ["code-spent", { left: 1 }, "This promo code is good for only 1 ticket more."],
  ["code-required", { category: "VIP" }, "VIP is sold only with a promo code, and this one is not for it."],
])("the problem %s is said at the field, which is focused", async (kind, facts, words) => {
  open(withCodes(), () => problem(409, kind, facts));
  await press("One more in General");
  await enter("EARLY");
  await press("Continue with 1 ticket");
  await waitFor(async () => expect(await field()).toHaveAccessibleDescription(words));
  expect(await field()).toHaveFocus();
  expect(await field()).toHaveValue("EARLY");
  expect(screen.queryByRole("alert")).toBeNull();
  await userEvent.keyboard("2");
  expect(await field()).not.toHaveAccessibleDescription();
});

it("after too many wrong promo codes it says how long to wait", async () => {
  open(withCodes(), () => {
    const refusal = problem(429, "too-many-codes");
    refusal.headers.set("Retry-After", "42");
    return refusal;
  });
  await press("One more in General");
  await enter("GUESS");
  await press("Continue with 1 ticket");
  const words = "Too many wrong promo codes were entered. Try again in 42 seconds.";
  await waitFor(async () => expect(await field()).toHaveAccessibleDescription(words));
});

it("a promo code survives a reload", async () => {
  const shown = withCodes();
  sessionStorage.setItem(`seatledger.code ${shown.id}`, "EARLY");
  open(shown);
  expect(await field()).toHaveValue("EARLY");
  expect(await field()).not.toHaveFocus();
});

const vip = (more = {}) => category("VIP", { price: "150.00", needs_code: true, ...more });

it("a category that needs a promo code is chosen once one is entered", async () => {
  const sent = open(withCodes({ categories: [category("General"), vip()] }));
  expect(await screen.findByText("With a promo code")).toBeVisible();
  expect(screen.queryByRole("textbox", { name: "Tickets in VIP" })).toBeNull();
  await press("Enter promo code for VIP");
  expect(await field()).toHaveFocus();
  await userEvent.keyboard("FRIENDS");
  await press("One more in VIP");
  await userEvent.clear(await field());
  expect(screen.getByRole("textbox", { name: "Tickets in VIP" })).toHaveAccessibleDescription(
    "VIP is sold only with a promo code.",
  );
  await press("Continue with 1 ticket");
  const words = "VIP is sold only with a promo code. Enter yours here.";
  await waitFor(async () => expect(await field()).toHaveAccessibleDescription(words));
  expect(sent).toEqual([]);
  await userEvent.type(await field(), "FRIENDS");
  await press("Continue with 1 ticket");
  await screen.findByTestId("elsewhere");
  expect(sent).toEqual([{ tickets: [{ category: "VIP", quantity: 1 }], code: "FRIENDS" }]);
});

it("a category that needed a promo code until now is chosen without one", async () => {
  open(withCodes({ categories: [vip({ needs_code_until: "2020-01-01T00:00:00Z" })] }));
  expect(await screen.findByRole("button", { name: "One more in VIP" })).toBeVisible();
  expect(screen.queryByText("With a promo code")).toBeNull();
});

it("a promo code that is needed since is asked for at the field", async () => {
  open(withCodes(), () => problem(409, "code-required", { category: "General" }));
  await press("One more in General");
  await press("Continue with 1 ticket");
  const words = "General is sold only with a promo code. Enter yours here.";
  await waitFor(async () => expect(await field()).toHaveAccessibleDescription(words));
  expect(await field()).toHaveFocus();
});
