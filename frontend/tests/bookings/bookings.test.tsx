import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { BookingPage } from "@/features/bookings/booking-page";
import { BookingsPage } from "@/features/bookings/bookings-page";
import { calendarFile } from "@/features/bookings/calendar-file";
import { getGetBookingMockHandler } from "@/shared/api/generated/bookings/bookings.msw";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import { getGetAboutMockHandler, getGetAboutResponseMock } from "@/shared/api/generated/system/system.msw";
import type { Booking, BookingTime, Event } from "@/shared/api/generated/model";

import { booking, event, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

it("bookings are listed as upcoming or past, the soonest first and open dates last", async () => {
  const [later, soon] = [event({ starts_at: "2031-05-01T19:00:00Z" }), event({ starts_at: "2031-04-01T19:00:00Z" })];
  const voucher = event({ starts_at: null });
  const past = event({ starts_at: "2020-01-01T19:00:00Z" });
  const lists: Record<string, Booking[]> = {
    upcoming: [
      booking({ event_id: voucher.id, event_name: "Voucher" }),
      booking({ event_id: later.id, event_name: "Later" }),
      booking({ event_id: soon.id, event_name: "Soon" }),
    ],
    past: [booking({ event_id: past.id, event_name: "Given back", status: "cancelled" })],
  };
  server.use(
    http.get("*/api/bookings", ({ request }) =>
      HttpResponse.json({ items: lists[new URL(request.url).searchParams.get("when") ?? ""], next_cursor: null }),
    ),
    http.get("*/api/events/:id", ({ params }) =>
      HttpResponse.json([later, soon, voucher, past].find(({ id }) => id === params.id)),
    ),
  );
  renderPage(<BookingsPage />);
  await screen.findByRole("tab", { name: "Upcoming (3)" });
  await waitFor(() => expect(shownNames()).toEqual(["Soon", "Later", "Voucher"]));
  expect(screen.getAllByRole("article")[2]).toHaveTextContent("Open date");
  await userEvent.click(screen.getByRole("tab", { name: "History (1)" }));
  expect(shownNames()).toEqual(["Given back"]);
});

it("a booking of which a part was cancelled shows what is left", async () => {
  const [kept, cancelled] = [booking({ event_id: "one" }).tickets[0], booking({ event_id: "one" }).tickets[0]];
  const tickets = [kept, { ...cancelled, status: "cancelled" }] as Booking["tickets"];
  have({ upcoming: [booking({ event_id: "one", tickets, total_amount: "100.00", refunded_amount: "50.00" })] });
  renderPage(<BookingsPage />);
  expect(await screen.findByRole("article")).toHaveTextContent("1 ticket · €50.00");
});

const shownNames = () => screen.getAllByRole("article").map((card) => within(card).getByRole("heading").textContent);

function have(lists: Partial<Record<BookingTime, Booking[]>>) {
  server.use(
    http.get("*/api/bookings", ({ request }) => {
      const asked = new URL(request.url).searchParams;
      const all = lists[asked.get("when") as BookingTime] ?? [];
      const [first, limit] = [Number(asked.get("cursor") ?? 0), Number(asked.get("limit"))];
      const next = first + limit < all.length ? String(first + limit) : null;
      return HttpResponse.json({ items: all.slice(first, first + limit), next_cursor: next });
    }),
    getGetEventMockHandler(event({ id: "one" })),
  );
}

const many = (number: number) => Array.from({ length: number }, () => booking({ event_id: "one" }));

it("past bookings are read page by page to the first one", async () => {
  have({ past: many(120) });
  renderPage(<BookingsPage />, { path: "/?show=history" });
  await screen.findByRole("tab", { name: "History (50+)" });
  await userEvent.click(await screen.findByRole("button", { name: "Show earlier bookings" }));
  await screen.findByRole("tab", { name: "History (100+)" });
  await userEvent.click(screen.getByRole("button", { name: "Show earlier bookings" }));
  await screen.findByRole("tab", { name: "History (120)" });
  expect(screen.getAllByRole("article")).toHaveLength(120);
  expect(screen.queryByRole("button", { name: "Show earlier bookings" })).toBeNull();
});

it("upcoming bookings are read completely, without a click", async () => {
  have({ upcoming: many(320) });
  renderPage(<BookingsPage />);
  await screen.findByRole("tab", { name: "Upcoming (320)" });
  expect(screen.queryByRole("button", { name: "Show earlier bookings" })).toBeNull();
});

it("the list shows an empty state without bookings, and a retry after a failed request", async () => {
  let isBusy = true;
  server.use(
    http.get("*/api/bookings", () => {
      if (isBusy) return problem(500, "internal-error");
      return HttpResponse.json({ items: [], next_cursor: null });
    }),
  );
  renderPage(<BookingsPage />);
  await screen.findByRole("alert");
  isBusy = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("No tickets yet");
});

function open(shown: Booking, of: Event = event({ id: shown.event_id }), hasMail = false) {
  const sent: string[] = [];
  const partlyCancelled = booking({ ...shown, refunded_amount: "50.00", tickets: shown.tickets.map((one, index) => ({ ...one, status: index === 0 ? "cancelled" : one.status })) }); // prettier-ignore
  server.use(
    getGetBookingMockHandler(() => (sent.length === 0 ? shown : partlyCancelled)),
    getGetEventMockHandler(of),
    getGetAboutMockHandler({ ...getGetAboutResponseMock(), has_mail: hasMail }),
    http.post(
      "*/api/bookings/:id/cancel",
      async ({ request }) => (sent.push(await request.text()), HttpResponse.json(partlyCancelled)),
    ),
    http.delete("*/api/bookings/:id", () => (sent.push("all"), HttpResponse.json(partlyCancelled))),
    http.get("*/api/bookings", () => HttpResponse.json({ items: [], next_cursor: null })),
  );
  renderPage(<BookingPage />, { path: `/bookings/${shown.id}`, pattern: "/bookings/:bookingId" });
  return sent;
}

it("the tickets are mailed again, once however often it is clicked", async () => {
  const keys: (string | null)[] = [];
  open(booking({ customer_id: "c" }), undefined, true);
  server.use(
    http.post("*/api/bookings/:id/resend", ({ request }) => {
      keys.push(request.headers.get("Idempotency-Key"));
      return keys.length === 1 ? problem(500, "internal-error") : new HttpResponse(null, { status: 202 });
    }),
  );
  const button = await screen.findByRole("button", { name: "Mail tickets again" });
  for (const number of [1, 2, 3]) {
    await userEvent.click(button);
    await waitFor(() => expect(keys).toHaveLength(number));
    await waitFor(() => expect(button).not.toHaveAttribute("data-loading"));
  }
  expect(keys[0]).toBe(keys[1]);
  expect(keys[1]).not.toBe(keys[2]);
});

it.each([
  ["no mail is sent", booking({ customer_id: "c" }), false],
  ["all tickets are cancelled", booking({ customer_id: "c", status: "cancelled" }), true],
  ["a walk-in bought them", booking({ customer_id: null }), true],
])("tickets are not mailed again where %s", async (_, shown, hasMail) => {
  open(shown, undefined, hasMail);
  await screen.findByRole("button", { name: "Print" });
  await waitFor(() => expect(screen.getByRole("button", { name: "Receipt" })).toBeVisible());
  expect(screen.queryByRole("button", { name: "Mail tickets again" })).toBeNull();
});

it("one ticket is cancelled, after its refund was shown", async () => {
  const sent = open(booking());
  await userEvent.click(await screen.findByRole("button", { name: "Cancel tickets" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.click(dialog.getByLabelText("Ticket 1, General"));
  expect(dialog.getByRole("status")).toHaveTextContent("Your refund: €50.00.");
  await userEvent.click(dialog.getByRole("button", { name: "Cancel 1 ticket, refund €50.00" }));
  await screen.findByText("−€50.00");
  expect(sent).toEqual([JSON.stringify({ tickets: ["one"] })]);
});

it("all tickets of a booking are cancelled by one request", async () => {
  const sent = open(booking());
  await userEvent.click(await screen.findByRole("button", { name: "Cancel tickets" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.queryAllByRole("checkbox", { checked: true })).toEqual([]);
  await userEvent.click(dialog.getByLabelText("Select all"));
  await userEvent.click(dialog.getByRole("button", { name: "Cancel 2 tickets, refund €100.00" }));
  await screen.findByText("−€50.00");
  expect(sent).toEqual(["all"]);
});

it("a discount is shown, and what a ticket cost with it is refunded to the cent", async () => {
  const tickets = ["one", "two", "three"].map((id) => ({
    id,
    code: id,
    category: "General",
    status: "active" as const,
  }));
  const lines = [{ category: "General", quantity: 3, unit_price: "50.00", amount: "100.00" }];
  open(booking({ lines, tickets, total_amount: "100.00" }));
  const payment = await screen.findByRole("region", { name: "Payment" });
  expect(payment).toHaveTextContent("3 × General€150.00Discount−€50.00Total€100.00");
  await userEvent.click(await screen.findByRole("button", { name: "Cancel tickets" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.click(dialog.getByLabelText("Ticket 1, General"));
  expect(dialog.getByRole("status")).toHaveTextContent("Your refund: €33.34.");
  await userEvent.click(dialog.getByLabelText("Ticket 3, General"));
  expect(dialog.getByRole("status")).toHaveTextContent("Your refund: €66.67.");
});

it("a calendar file has the event's times in UTC, and escaped text", async () => {
  const file = calendarFile(
    booking({ number: 7 }),
    { ...event({ name: "A; B\nEND:VEVENT", ends_at: "2031-05-01T22:30:00Z" }), starts_at: "2031-05-01T19:00:00Z" },
    "https://seats.test/bookings/7",
  );
  const text = await file.text();
  expect(file.name).toBe("seatledger-7.ics");
  expect(text).toContain("DTSTART:20310501T190000Z");
  expect(text).toContain("DTEND:20310501T223000Z");
  expect(text.match(/^END:VEVENT/gm)).toHaveLength(1);
});

it("an open date has no calendar file, and is printed as an open date", async () => {
  open(booking(), event({ starts_at: null }));
  await screen.findByRole("button", { name: "Cancel tickets" });
  expect(screen.queryByRole("button", { name: "Add to calendar" })).toBeNull();
  for (const ticket of screen.getAllByRole("listitem")) expect(ticket).toHaveTextContent("ConcertOpen date");
});

const [YESTERDAY, TOMORROW] = [-1, 1].map((days) => new Date(Date.now() + days * 86_400_000).toISOString()) as [
  string,
  string,
];

it.each<[string, Partial<Event>, string | null]>([
  ["a concert to come", { starts_at: TOMORROW }, null],
  ["a concert whose sales closed", { starts_at: TOMORROW, sales_close_at: YESTERDAY }, null],
  ["a concert that has begun", { starts_at: YESTERDAY }, "The event has started. Tickets can no longer be cancelled."],
  ["an exhibition that has begun", { starts_at: YESTERDAY, sales_close_at: TOMORROW }, null],
  [
    "an exhibition whose sales are over",
    { starts_at: "2020-01-01T10:00:00Z", sales_close_at: YESTERDAY },
    "Sales have closed. Tickets can no longer be cancelled.",
  ],
  ["what sells after its start without an end", { starts_at: YESTERDAY, past_at: null }, null],
  ["a voucher", { starts_at: null }, null],
  ["a voucher that is on sale", { starts_at: null, sales_close_at: TOMORROW }, null],
  [
    "a voucher whose sales closed",
    { starts_at: null, sales_close_at: YESTERDAY },
    "Sales have closed. Tickets can no longer be cancelled.",
  ],
])("tickets of %s can be cancelled, or the reason is shown", async (_, more, why) => {
  open(booking(), event(more));
  await screen.findByText("Print");
  if (why === null) expect(await screen.findByRole("button", { name: "Cancel tickets" })).toBeVisible();
  else {
    expect(await screen.findByText(why)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Cancel tickets" })).toBeNull();
  }
});
