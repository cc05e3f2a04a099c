import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { EventPage } from "@/features/events/event-page";
import { getGetMeMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import type { Event, NewBooking } from "@/shared/api/generated/model";

import { account, booking, category, event, haveSession, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

function open(shown: Event, answer: () => Response = () => HttpResponse.json(booking(), { status: 201 })) {
  const sent: { key: string | null; body: NewBooking }[] = [];
  haveSession();
  server.use(
    getGetEventMockHandler(shown),
    getGetMeMockHandler(account()),
    http.post("*/api/events/:id/bookings", async ({ request }) => {
      sent.push({ key: request.headers.get("Idempotency-Key"), body: (await request.json()) as NewBooking });
      return answer();
    }),
  );
  renderPage(<EventPage />, { path: `/events/${shown.id}`, pattern: "/events/:eventId" });
  return sent;
}

it("an event in a time zone that the browser does not know is shown in UTC, and says so", async () => {
  open(event({ name: "Somewhere", timezone: "localtime" }));
  expect(await screen.findByText(/Times are in UTC: this browser does not know the time zone localtime/)).toBeVisible();
});

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));

it("the form books the chosen tickets and opens them", async () => {
  const sent = open(event());
  await press("One more in General");
  await press("One more in General");
  expect(screen.getByTestId("total")).toHaveTextContent("€100.00");
  await press("Book 2 tickets");
  expect((await screen.findByTestId("elsewhere")).textContent).toMatch(/^\/bookings\//);
  expect(sent.map(({ body }) => body)).toEqual([
    { tickets: [{ category: "General", quantity: 2 }], expected_total: "100.00" },
  ]);
});

it("the same choice is sent with the same key until it is booked, another choice with another key", async () => {
  const sent = open(event(), () => problem(409, "not-on-sale"));
  await press("One more in General");
  await press("Book 1 ticket");
  await screen.findByRole("alert");
  await press("Book 1 ticket");
  await screen.findByRole("alert");
  await press("One more in General");
  await press("Book 2 tickets");
  await screen.findByRole("alert");
  const [first, second, third] = sent.map(({ key }) => key);
  expect(first).toBe(second);
  expect(third).not.toBe(first);
});

it("a sold-out response shows the seats left, and offers them", async () => {
  open(event(), () => problem(409, "sold-out", { category: "General", available: 1 }));
  const field = await screen.findByRole("textbox", { name: "Tickets in General" });
  await userEvent.type(field, "3", { initialSelectionStart: 0, initialSelectionEnd: 1 });
  await press("Book 3 tickets");
  expect(await screen.findByRole("alert")).toHaveTextContent("Only 1 ticket left in General.");
  await press("Choose 1");
  expect(screen.getByRole("textbox", { name: "Tickets in General" })).toHaveValue("1");
  expect(screen.queryByRole("alert")).toBeNull();
});

it("another price is shown, and booked only when it is confirmed", async () => {
  const sent = open(event(), () => problem(409, "price-changed", { total_amount: "61.50" }));
  await press("One more in General");
  await press("Book 1 ticket");
  expect(await screen.findByRole("alert")).toHaveTextContent(
    "Nothing was booked. Your selection costs €61.50 now, instead of €50.00.",
  );
  await press("Book for €61.50");
  await screen.findByRole("alert");
  expect(sent.map(({ body }) => body.expected_total)).toEqual(["50.00", "61.50"]);
});

it.each([
  ["idempotency-key-reused", {}, "See your bookings before you book again."],
  ["customer-limit", { limit: 2, held: 2 }, "At most 2 tickets per person. You already hold 2."],
  ["booking-too-large", { limit: 1000 }, "A booking can hold at most 1,000 tickets."],
  ["event-not-bookable", { reason: "past" }, "It has started, is over or was cancelled."],
  ["not-on-sale", {}, "Sales have not opened yet, or have closed."],
  ["forbidden", {}, "Sign in as a customer to book."],
])("the problem %s is shown beside the button", async (kind, facts, sentence) => {
  open(event(), () => problem(409, kind, facts));
  await press("One more in General");
  await press("Book 1 ticket");
  expect(await screen.findByRole("alert")).toHaveTextContent(sentence);
});

it("the quantity is limited by the customer's limit and the seats left", async () => {
  open(event({ max_tickets_per_customer: 3, categories: [category("General", { available: 2 }), category("VIP")] }));
  await press("One more in General");
  await press("One more in General");
  expect(screen.getByRole("button", { name: "One more in General" })).toBeDisabled();
  await press("One more in VIP");
  expect(screen.getByRole("button", { name: "One more in VIP" })).toBeDisabled();
});

it("a visitor without a session signs in, and gets the filled form again", async () => {
  const shown = event();
  server.use(getGetEventMockHandler(shown));
  renderPage(<EventPage />, { path: `/events/${shown.id}`, pattern: "/events/:eventId" });
  await press("One more in General");
  const link = await screen.findByRole("link", { name: "Sign in to book" });
  expect(new URLSearchParams(link.getAttribute("href")?.split("?")[1]).get("return")).toBe(
    `/events/${shown.id}?tickets=id-of-General%3A1`,
  );
});

it("the choice and the key are kept while the outcome is unknown", async () => {
  let isLost = true;
  const sent = open(event(), () =>
    isLost ? problem(503, "outcome-unknown") : HttpResponse.json(booking(), { status: 201 }),
  );
  await press("One more in General");
  await press("Book 1 ticket");
  await screen.findByRole("alert", {}, { timeout: 15_000 }); // the client itself asks again first
  expect(screen.getByRole("button", { name: "One more in General" })).toBeDisabled();
  expect(screen.getByRole("textbox", { name: "Tickets in General" })).toHaveAttribute("readonly");
  isLost = false;
  await press("Book 1 ticket");
  await screen.findByTestId("elsewhere");
  expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
});

it("an ended session leads to the sign-in page, and the choice is kept", async () => {
  const shown = event();
  open(shown, () => problem(401, "not-signed-in"));
  await press("One more in General");
  await press("Book 1 ticket");
  expect(await screen.findByRole("alert")).toHaveTextContent("Your session has ended");
  const link = await screen.findByRole("link", { name: "Sign in to book" });
  expect(new URLSearchParams(link.getAttribute("href")?.split("?")[1]).get("return")).toBe(
    `/events/${shown.id}?tickets=id-of-General%3A1`,
  );
});
