import { act, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http } from "msw";
import { expect, it } from "vitest";

import { EventPage } from "@/features/events/event-page";
import { getGetMeMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import type { Event } from "@/shared/api/generated/model";
import { storeSeats } from "@/shared/live/seat-store";

import { account, category, event, haveSession, pool, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

/** Adult and Child share these seats; Balcony has its own. */
function sharing(available: number): Event {
  const shared = [category("Adult", { available }), category("Child", { available })];
  return event({
    guest_checkout: "off",
    categories: [...shared, category("Balcony", { available: 9 })],
    pools: [pool("Hall", shared, { available })],
  });
}

function open(shown: Event) {
  haveSession();
  server.use(getGetEventMockHandler(shown), getGetMeMockHandler(account()));
  renderPage(<EventPage />, { path: `/events/${shown.id}`, pattern: "/events/:eventId" });
}

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const field = (name: string) => screen.findByRole("textbox", { name: `Tickets in ${name}` });
const more = (name: string) => screen.getByRole("button", { name: `One more in ${name}` });

it("categories of a pool can't be chosen beyond what it has left together", async () => {
  open(sharing(3));
  expect(await screen.findByText("Adult and Child share 3 seats.")).toBeVisible();
  await press("One more in Adult");
  await press("One more in Adult");
  await press("One more in Child");
  expect(more("Adult")).toBeDisabled();
  expect(more("Child")).toBeDisabled();
  expect(more("Balcony")).toBeEnabled();
});

it("a typed quantity beyond what the pool has left is marked, with the reason", async () => {
  open(sharing(3));
  await userEvent.type(await field("Child"), "2");
  await userEvent.type(await field("Adult"), "2");
  const said = "Only 3 seats are left for Adult and Child together.";
  expect(await field("Adult")).toHaveAccessibleDescription(said);
  expect(await field("Child")).toHaveAccessibleDescription(said);
  await userEvent.type(await field("Child"), "1");
  expect(await field("Adult")).toHaveAccessibleDescription("");
});

it("the pool is limited by the live seats", async () => {
  const shown = sharing(3);
  open(shown);
  await press("One more in Adult");
  await press("One more in Child");
  expect(more("Child")).toBeEnabled();
  const pools = { Hall: { available: 2, held: 1 } };
  const categories = { Adult: 2, Child: 2, Balcony: 9 };
  act(() => storeSeats([[shown.id, { available: 11, held: 1, heldIn: {}, categories, pools, position: 9 }]]));
  expect(more("Child")).toBeDisabled();
  expect(screen.getByText("Adult and Child share 2 seats.")).toBeVisible();
});

it("a pool that has enough for all of its categories is not mentioned", async () => {
  const shared = [category("Adult", { available: 2 }), category("Child", { available: 3 })];
  open(event({ guest_checkout: "off", categories: shared, pools: [pool("Hall", shared, { available: 5 })] }));
  await field("Adult");
  expect(screen.queryByText(/share/)).toBeNull();
});

it("a category whose pool others have bought out is refused beside the rest of the selection", async () => {
  const shown = sharing(3);
  open(shown);
  server.use(
    http.post("*/api/events/:id/bookings", () =>
      problem(409, "sold-out", { category: "Child", available: 1, held: 0 }),
    ),
  );
  await press("One more in Adult");
  await press("One more in Child");
  await press("One more in Child");
  await press("Book 3 tickets");
  expect(await screen.findByRole("alert")).toHaveTextContent(
    "Only 1 ticket left in Child beside the rest of your selection.",
  );
  await press("Choose 1");
  expect(await field("Child")).toHaveValue("1");
  expect(await field("Adult")).toHaveValue("1");
});
