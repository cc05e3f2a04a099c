import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, it } from "vitest";

import { EventsPage } from "@/features/events/events-page";
import type { Event } from "@/shared/api/generated/model";

import { category, event, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const asked: URLSearchParams[] = [];

beforeEach(() => void asked.splice(0));

function serve(answer: (parameters: URLSearchParams) => { items: Event[]; next_cursor: string | null } | Response) {
  server.use(
    http.get("*/api/events", ({ request }) => {
      const parameters = new URL(request.url).searchParams;
      asked.push(parameters);
      const given = answer(parameters);
      return given instanceof Response ? given : HttpResponse.json(given);
    }),
  );
}

it("an event's card shows its name, venue, date, cheapest price and seats left", async () => {
  const categories = [category("VIP", { price: "150.00" }), category("General", { price: "50.00", available: 2 })];
  serve(() => ({
    items: [event({ name: "Goldberg Variations", venue: "Chamber Hall", categories })],
    next_cursor: null,
  }));
  renderPage(<EventsPage />);
  const card = await screen.findByRole("article");
  for (const text of ["Goldberg Variations", "Chamber Hall", "from €50.00", "12 seats left"])
    expect(card).toHaveTextContent(text);
  expect(screen.getByText("1 event")).toBeVisible();
});

it("a card says when few or no seats are left, when it is free, and when it is not on sale yet", async () => {
  const few = event({ name: "Few", categories: [category("A", { available: 3, price: "0.00" })] });
  const none = event({ name: "None", categories: [category("A", { available: 0 })] });
  const soon = event({ name: "Soon", sales_open_at: "2030-01-05T10:00:00Z" });
  serve(() => ({ items: [few, none, soon], next_cursor: null }));
  renderPage(<EventsPage />);
  const [first, second, third] = await screen.findAllByRole("article");
  expect(first).toHaveTextContent(/Free.*Last 3 seats/);
  expect(second).toHaveTextContent("Sold out");
  expect(third).toHaveTextContent("On sale from Sat, Jan 5");
});

it("a card shows an open date, the end of a long event, and the description", async () => {
  const voucher = event({ name: "Voucher", starts_at: null, description: "One evening of your choice." });
  const [starts_at, ends_at] = ["2020-01-01T10:00:00Z", "2099-11-29T17:00:00Z"];
  const exhibition = event({ name: "Exhibition", starts_at, ends_at, sales_close_at: "2099-11-28T17:00:00Z" });
  serve(() => ({ items: [exhibition, voucher], next_cursor: null }));
  renderPage(<EventsPage />);
  const [first, second] = await screen.findAllByRole("article");
  expect(first).toHaveTextContent("On until Sun, Nov 29");
  expect(first).toHaveTextContent("20 seats left");
  expect(second).toHaveTextContent(/Open date.*One evening of your choice\..*20 seats left/);
  expect(first?.querySelectorAll("p")).toHaveLength(2); // when and where: an empty description leaves nothing
});

it("the search starts after a pause in typing, and is taken from the address", async () => {
  serve((parameters) => ({
    items: parameters.get("q") === "bach" ? [event({ name: "Bach" })] : [],
    next_cursor: null,
  }));
  renderPage(<EventsPage />, { path: "/?q=nothing" });
  await screen.findByText("No events found");
  const field = screen.getByRole("textbox", { name: "Search by name or venue" });
  await userEvent.clear(field);
  await userEvent.type(field, "bach");
  await screen.findByText("Bach");
  expect(asked.length).toBeLessThan(5);
});

it("dates are requested for all time zones, and invalid ones in the address are ignored", async () => {
  serve(() => ({ items: [], next_cursor: null }));
  renderPage(<EventsPage />, { path: "/?from=2026-11-21&to=2026-99-99" });
  await screen.findByText("No events found");
  expect([asked[0]?.get("from"), asked[0]?.get("to")]).toEqual([
    "2026-11-20T10:00:00.000Z",
    "2026-11-22T11:59:59.999Z",
  ]);
});

it("the next page continues after the previous one", async () => {
  serve((parameters) =>
    parameters.get("cursor") === "next"
      ? { items: [event({ name: "Last" })], next_cursor: null }
      : { items: [event({ name: "First" })], next_cursor: "next" },
  );
  renderPage(<EventsPage />);
  await userEvent.click(await screen.findByRole("button", { name: "Show more" }));
  await screen.findByText("Last");
  expect(screen.getAllByRole("article")).toHaveLength(2);
  expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
});

it("a failed request is shown, and can be retried", async () => {
  let fails = true;
  serve(() => (fails ? problem(500, "internal-error") : { items: [], next_cursor: null }));
  renderPage(<EventsPage />);
  await screen.findByRole("alert");
  fails = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("Nothing is on sale yet");
});
