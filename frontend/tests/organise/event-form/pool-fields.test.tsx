import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, it } from "vitest";

import { EditEventForm } from "@/features/organise/edit-event/edit-event-form";
import type { EventChanges } from "@/shared/api/generated/model";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";

import { category, event, pool, problem } from "../../factories";
import { renderPage } from "../../render-page";
import { server } from "../../server";

const [adult, child, balcony] = [category("Adult"), category("Child"), category("Balcony")];
const shown = event({ categories: [adult, child, balcony], pools: [pool("Hall", [adult, child])] });
let sent: EventChanges[] = [];

function open(answer: () => Response = () => HttpResponse.json(shown)) {
  server.use(
    getGetAboutMockHandler(),
    http.patch("*/api/events/:id", async ({ request }) => {
      sent.push((await request.json()) as EventChanges);
      return answer();
    }),
  );
  renderPage(<EditEventForm event={shown} />);
}

beforeEach(() => void (sent = []));

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const group = (name: string) => within(screen.getByRole("group", { name }));
const type = async (field: HTMLElement, text: string) => {
  await userEvent.clear(field);
  await userEvent.type(field, text);
};

it("a pool is added, and its name is focused", async () => {
  open();
  await press("Add a pool");
  const fields = group("Pool 2");
  expect(fields.getByLabelText("Name")).toHaveFocus();
  await userEvent.keyboard("Upstairs");
  await type(fields.getByLabelText("Seats in all"), "4");
  await userEvent.click(fields.getByRole("checkbox", { name: "Balcony" }));
  await press("Save changes");
  expect(sent[0]?.pools?.[1]).toEqual({ name: "Upstairs", capacity: 4, categories: [balcony.id] });
});

it("a category can be in one pool, and the others say in which", async () => {
  open();
  await press("Add a pool");
  const fields = group("Pool 2");
  expect(fields.getByRole("checkbox", { name: "Adult (in Hall)" })).toBeDisabled();
  await userEvent.click(group("Pool 1").getByRole("checkbox", { name: "Adult" }));
  await userEvent.click(fields.getByRole("checkbox", { name: "Adult" }));
  expect(group("Pool 1").getByRole("checkbox", { name: "Adult (in Pool 2)" })).toBeDisabled();
});

it("what is missing is said at its field, and the first of these is focused", async () => {
  open();
  const fields = group("Pool 1");
  for (const name of ["Adult", "Child"]) await userEvent.click(fields.getByRole("checkbox", { name }));
  await press("Save changes");
  expect(fields.getByRole("checkbox", { name: "Adult" })).toHaveFocus();
  expect(screen.getByText("Choose the categories, or remove this pool.")).toBeVisible();
  await userEvent.clear(fields.getByLabelText("Name"));
  expect(fields.getByLabelText("Name")).toHaveAccessibleDescription("Required.");
  expect(sent).toEqual([]);
});

it("a pool that limits nothing says so", async () => {
  open();
  const fields = group("Pool 1");
  expect(fields.queryByText(/limits nothing/)).toBeNull();
  await type(fields.getByLabelText("Seats in all"), "20");
  expect(fields.queryByText("These categories have 20 seats of their own, so this pool limits nothing.")).toBeVisible();
});

it("a removed pool is gone, and the button to add one is focused", async () => {
  open();
  await press("Remove Hall");
  expect(screen.queryByRole("group", { name: "Pool 1" })).toBeNull();
  expect(screen.getByRole("button", { name: "Add a pool" })).toHaveFocus();
  await press("Save changes");
  expect(sent).toEqual([{ pools: [] }]);
});

it("a refused capacity is said at the pool that it is of", async () => {
  open(() =>
    problem(409, "pool-below-taken", { pool: "Hall", taken: 2, held: 2, detail: "4 seats are taken or held." }),
  );
  const fields = group("Pool 1");
  await type(fields.getByLabelText("Seats in all"), "3");
  await press("Save changes");
  expect(await screen.findByText("Please correct the marked fields.")).toBeVisible();
  expect(fields.getByLabelText("Seats in all")).toHaveAccessibleDescription("4 seats are taken or held.");
  expect(fields.getByLabelText("Seats in all")).toHaveFocus();
});

it("during an upgrade pools are refused with the reason", async () => {
  open(() => problem(403, "holds-off"));
  await type(group("Pool 1").getByLabelText("Seats in all"), "5");
  await press("Save changes");
  expect(await screen.findByRole("alert")).toHaveTextContent("The system is being upgraded");
});

it("another user's pools are shown beside mine", async () => {
  const theirs = event({ ...shown, details_version: 9, pools: [pool("Hall", [adult, child], { capacity: 5 })] });
  open(() => problem(412, "stale-version"));
  server.use(http.get("*/api/events/:id", () => HttpResponse.json(theirs)));
  await press("Remove Hall");
  await press("Save changes");
  const choice = within(await screen.findByRole("radiogroup", { name: "Pools" }));
  expect(choice.getByRole("radio", { name: /Hall, Seats in all: 5 \(Adult, Child\)/ })).not.toBeChecked();
  expect(choice.getByRole("radio", { name: /\(no pools\)/ })).toBeChecked();
});
