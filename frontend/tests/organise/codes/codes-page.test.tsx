import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { Outlet, Route, Routes } from "react-router";
import { expect, it, vi } from "vitest";

import { CodesPage } from "@/features/organise/codes/codes-page";
import type { CodeSales, Event, NewCodes } from "@/shared/api/generated/model";

import { codeSales, event, problem } from "../../factories";
import { renderPage } from "../../render-page";
import { server } from "../../server";

const concert = event({ id: "e", organizer_id: "o" });

interface Answers {
  make?: () => Response;
  withdraw?: () => Response;
}

/** The page of an event with these batches; `answers` to what is sent. */
function open(batches: CodeSales[], answers: Answers = {}, shown: Event = concert) {
  const made: { body: NewCodes; key: string | null }[] = [];
  const withdrawn: string[] = [];
  server.use(
    http.get("*/api/events/e/codes", () => HttpResponse.json({ items: batches })),
    http.post("*/api/events/e/codes", async ({ request }) => {
      made.push({ body: (await request.json()) as NewCodes, key: request.headers.get("Idempotency-Key") });
      return (answers.make ?? (() => madeCodes(["SPRING-0001", "SPRING-0002"])))();
    }),
    http.delete("*/api/events/e/codes/:id", ({ params }) => {
      withdrawn.push(String(params.id));
      return answers.withdraw?.() ?? new HttpResponse(null, { status: 204 });
    }),
  );
  const page = (
    <Routes>
      <Route element={<Outlet context={shown} />}>
        <Route path="*" element={<CodesPage />} />
      </Route>
    </Routes>
  );
  return { made, withdrawn, ...renderPage(page) };
}

const madeCodes = (codes: string[], more: Partial<CodeSales> = {}) =>
  HttpResponse.json(
    { batch: codeSales({ code: null, prefix: "SPRING", count: codes.length, ...more }), codes },
    { status: 201 },
  );
const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const fill = async (label: string, words: string) => userEvent.type(await screen.findByLabelText(label), words);
const row = async (name: string) => screen.findByRole("row", { name: new RegExp(name) });

it("a batch is shown in words, with what was sold with it", async () => {
  open([
    codeSales({
      code: "EARLY",
      value: "12.50",
      categories: ["id-of-VIP"],
      valid_until: "2031-01-01T09:00:00Z",
      max_tickets: 40,
      booked: 5,
      cancelled: 2,
      held: 1,
      gross: "131.25",
      discount: "18.75",
      refunded: "43.75",
    }),
    codeSales({ id: "2", code: null, prefix: "SPRING", count: 200, max_tickets: 2, effect: "fixed", value: "5.00" }),
    codeSales({ id: "3", code: null, prefix: "", count: 1, effect: "access", withdrawn_at: "2026-11-23T12:00:00Z" }),
  ]);
  const early = await row("EARLY");
  for (const words of [
    "12.5% off",
    "VIP",
    "Until Wed, Jan 1, 2031, 10:00 AM GMT+1",
    "4 of 40 tickets",
    "1 of them in open orders",
  ])
    expect(early).toHaveTextContent(words);
  for (const words of ["€131.25", "€18.75 discount", "€43.75 refunded"]) expect(early).toHaveTextContent(words);
  const spring = await row("SPRING-…");
  for (const words of ["200 codes", "€5.00 off", "All categories", "No time limit", "0 of 400 tickets"])
    expect(spring).toHaveTextContent(words);
  const withdrawn = await row("1 code");
  expect(withdrawn).toHaveTextContent("AccessAll categoriesWithdrawnOn Mon, Nov 23, 2026");
  expect(within(withdrawn).queryByRole("button")).toBeNull();
});

it("an event without promo codes says so", async () => {
  open([]);
  expect(await screen.findByText("No promo codes yet")).toBeVisible();
});

it("a list that can't be read is read again on demand", async () => {
  open([codeSales()]);
  server.use(http.get("*/api/events/e/codes", () => problem(500, "internal-error"), { once: true }));
  await press("Try again");
  expect(await row("EARLY")).toBeVisible();
});

it("a closed event has no more codes made or withdrawn", async () => {
  open([codeSales({ code: "EARLY" })], {}, { ...concert, status: "completed" });
  expect(await row("EARLY")).toBeVisible();
  expect(screen.queryAllByRole("button")).toEqual([]);
});

it("a batch is withdrawn after it was said what that does", async () => {
  const { withdrawn } = open([codeSales({ id: "b", code: "FRIENDS", effect: "access", categories: ["id-of-VIP"] })]);
  await press("Withdraw FRIENDS");
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByText(/^FRIENDS will not be accepted any more/)).toBeVisible();
  expect(dialog.getByText(/^Tickets in VIP can then be booked without a promo code/)).toBeVisible();
  await userEvent.click(dialog.getByRole("button", { name: "Withdraw promo codes" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(withdrawn).toEqual(["b"]);
});

it("a withdrawal that failed is said, and not closed", async () => {
  open([codeSales({ code: "EARLY" })], { withdraw: () => problem(409, "event-not-bookable") });
  await press("Withdraw EARLY");
  await press("Withdraw promo codes");
  expect(await screen.findByRole("alert")).toHaveTextContent("Nothing was changed. Please try again.");
});

async function fillIn(code = "EARLY") {
  await press("New promo codes");
  await fill("Percentage", "12,5");
  await fill("Promo code", code);
  await fill("Tickets per code", "40");
}

it("a word is made for the chosen categories", async () => {
  const { made } = open([], { make: () => madeCodes(["EARLY"], { code: "EARLY", prefix: "" }) });
  await fillIn();
  await userEvent.click(screen.getByRole("checkbox", { name: "VIP" }));
  await press("Make promo codes");
  await waitFor(() => expect(screen.queryByRole("button", { name: "Make promo codes" })).toBeNull());
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(made.map(({ body }) => body)).toEqual([
    { effect: "percent", value: "12.5", max_tickets: 40, categories: ["id-of-VIP"], code: "EARLY" },
  ]);
});

it("what is missing is said at its field, and nothing is sent", async () => {
  const { made } = open([]);
  await press("New promo codes");
  await press("Make promo codes");
  expect(await screen.findByLabelText("Percentage")).toHaveAccessibleDescription(/A percentage above 0/);
  await waitFor(() => expect(screen.getByLabelText("Percentage")).toHaveFocus());
  expect(screen.getByLabelText("Promo code")).toHaveAccessibleDescription(/4 to 32 letters and digits/);
  expect(screen.getByLabelText("Tickets per code")).toHaveAccessibleDescription(/A whole number from 1 to 1,000,000/);
  expect(made).toEqual([]);
});

it.each([
  ["code-taken", {}, "Promo code", /This event has this promo code already/],
  ["malformed", { errors: [{ path: "value", message: "too much" }] }, "Percentage", /too much/],
])("the problem %s is said at its field", async (kind, facts, label, words) => {
  open([], { make: () => problem(409, kind, facts) });
  await fillIn();
  await press("Make promo codes");
  await waitFor(() => expect(screen.getByLabelText(label)).toHaveAccessibleDescription(words));
  expect(screen.getByRole("alert")).toHaveTextContent("Please correct the marked fields.");
});

it.each([
  ["holds-off", "The system is being upgraded"],
  ["event-not-bookable", "The event has been closed and can no longer be changed."],
  ["not-signed-in", "Your session has ended."],
  ["internal-error", "Nothing was saved. Please try again."],
])("the problem %s is said below the form", async (kind, words) => {
  open([], { make: () => problem(403, kind) });
  await fillIn();
  await press("Make promo codes");
  expect(await screen.findByRole("alert")).toHaveTextContent(words);
});

it("generated codes are shown once, to copy or download", async () => {
  const files: Blob[] = [];
  vi.stubGlobal(
    "URL",
    Object.assign(URL, {
      createObjectURL: (file: Blob) => `blob:${files.push(file)}`,
      revokeObjectURL: () => undefined,
    }),
  );
  const click = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  const { made } = open([]);
  await press("New promo codes");
  await userEvent.click(screen.getByRole("radio", { name: "Amount off" }));
  await fill("Amount off each ticket (EUR)", "5");
  await userEvent.click(screen.getByRole("radio", { name: "Generated codes" }));
  await fill("Number of codes", "2");
  await fill("Prefix", "spring");
  await fill("Tickets per code", "1");
  await press("Make promo codes");
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByText("Copy or download them now: they can't be shown again.")).toBeVisible();
  expect(dialog.getByRole("region", { name: "Promo codes" })).toHaveTextContent("SPRING-0001 SPRING-0002");
  await userEvent.keyboard("{Escape}");
  await userEvent.click(dialog.getByRole("button", { name: "Download CSV" }));
  expect(click).toHaveBeenCalledOnce();
  expect(await files[0]?.text()).toBe("code\r\nSPRING-0001\r\nSPRING-0002\r\n");
  expect(made).toHaveLength(1);
  expect(made[0]?.body).toEqual({
    effect: "fixed",
    value: "5",
    max_tickets: 1,
    categories: [],
    count: 2,
    prefix: "spring",
  });
  const [, close] = dialog.getAllByRole("button", { name: "I have saved them" });
  await userEvent.click(close as HTMLElement);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(screen.queryByText("SPRING-0001")).toBeNull();
});
