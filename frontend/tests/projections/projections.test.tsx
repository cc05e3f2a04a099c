import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import { ProjectionsPage } from "@/features/projections/projections-page";
import type { Projection, SetAside, Subscription } from "@/shared/api/generated/model";
import { getGetProjectionsMockHandler } from "@/shared/api/generated/system/system.msw";

import { renderPage } from "../render-page";
import { server } from "../server";

const setAside = (position: number): SetAside => ({
  event_id: `${String(position).padStart(8, "0")}-0000-4000-8000-000000000000`,
  position,
  error: `UnreadableEntry: position ${position}`,
});

function show(events: SetAside[], subscriptions: Subscription[] = []) {
  const projection = (name: string, set_aside: SetAside[]): Projection => ({
    name,
    version: 1,
    position: 1_234,
    lag_entries: 0,
    lag_seconds: 0,
    state: "running",
    failed_position: null,
    error: null,
    set_aside,
    rebuild: null,
  });
  const items = [projection("availability", []), projection("bookings", events), projection("revenue", events)];
  const list = { items, subscriptions, next_cursor: null, ledger_position: 1_234, signing: null, verification: null };
  server.use(getGetProjectionsMockHandler(list));
  renderPage(<ProjectionsPage />, { path: "/projections", pattern: "/projections" });
}

it("an event that is set aside is shown with its error, its history and the command", async () => {
  show([setAside(42)]);
  const alert = await screen.findByRole("alert", { name: /aside/ });
  expect(alert).toHaveTextContent("One event is set aside");
  expect(alert).toHaveTextContent("UnreadableEntry: position 42");
  expect(alert).toHaveTextContent("Event 00000042, before position 42: bookings, revenue");
  expect(within(alert).getByRole("link", { name: "Event 00000042, before position 42" })).toHaveAttribute(
    "href",
    "/ledger/events/00000042-0000-4000-8000-000000000000?at=41",
  );
  expect(screen.getByRole("row", { name: /revenue/i })).toHaveTextContent("1 event set aside");
  expect(screen.getByRole("row", { name: /availability/i })).not.toHaveTextContent("set aside");
});

it("a long list is cut", async () => {
  show(Array.from({ length: 100 }, (_, index) => setAside(index + 1)));
  const alert = await screen.findByRole("alert", { name: /aside/ });
  expect(within(alert).getAllByRole("link")).toHaveLength(10);
  expect(alert).toHaveTextContent("90 more are set aside.");
});

it("without faults there is no alert", async () => {
  show([]);
  await screen.findByRole("row", { name: /revenue/i });
  expect(screen.queryByRole("alert", { name: /aside/ })).toBeNull();
});

const subscription = (name: string, more: Partial<Subscription> = {}): Subscription => ({
  name,
  position: 1_200,
  lag_entries: 34,
  lag_seconds: 5,
  state: "running",
  failed_position: null,
  error: null,
  ...more,
});

it("a stalled subscription is shown with the entry, the error and what to do", async () => {
  const stalled = { state: "stalled", failed_position: 1_201, error: "UnknownTopic: seats-booked/9" } as const;
  show([], [subscription("mail", stalled), subscription("webhooks", { state: "off" })]);
  const alert = await screen.findByRole("alert", { name: "Mail: stopped" });
  expect(alert).toHaveTextContent("The entry at position 1,201 can't be read");
  expect(alert).toHaveTextContent("UnknownTopic: seats-booked/9");
  expect(alert).toHaveTextContent("python -m notifications skip");
  const table = within(screen.getByRole("table", { name: "Mail and webhooks" }));
  expect(table.getByRole("row", { name: /Mail/ })).toHaveTextContent(/Stalled.*1,200.*34/);
  expect(table.getByRole("row", { name: /Webhooks/ })).toHaveTextContent("Off");
  expect(table.queryAllByRole("cell", { name: "34" })).toHaveLength(1); // what is off is not behind
});

it("a subscription that nobody moves is shown", async () => {
  show([], [subscription("mail"), subscription("webhooks", { state: "frozen" })]);
  const alert = await screen.findByRole("alert", { name: "Webhooks: nobody is told" });
  expect(alert).toHaveTextContent("Check that a worker is running");
  expect(screen.queryByRole("alert", { name: /Mail/ })).toBeNull();
});

it("before the first subscription has begun there is no table of them", async () => {
  show([]);
  await screen.findByRole("row", { name: /revenue/i });
  expect(screen.queryByRole("table", { name: "Mail and webhooks" })).toBeNull();
});
