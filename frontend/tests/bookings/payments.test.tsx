import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { BookingPage } from "@/features/bookings/booking-page";
import { getGetBookingMockHandler } from "@/shared/api/generated/bookings/bookings.msw";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import type { Booking, Event, MoneyMovement } from "@/shared/api/generated/model";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";

import { ABOUT, booking, event, payable } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const MOVEMENT: MoneyMovement = {
  kind: "received", amount: "100.00", method: "card", reference: "0042", reason: null, at: "2030-05-01T20:00:00Z", position: 7,
}; // prettier-ignore

function open(shown: Booking, of: Partial<Event> = {}, movements: MoneyMovement[] = [MOVEMENT]) {
  server.use(
    getGetBookingMockHandler(shown),
    getGetEventMockHandler(event({ id: shown.event_id, ...of })),
    getGetAboutMockHandler({ ...ABOUT, has_mail: false }),
    http.get("*/api/bookings/:id/payments", () =>
      HttpResponse.json({ booking_id: shown.id, currency: "EUR", items: movements }),
    ),
  );
  renderPage(<BookingPage />, { path: `/bookings/${shown.id}`, pattern: "/bookings/:bookingId" });
}

it("a booking that is not paid says what to bring, on its tickets, too", async () => {
  open(payable("due"));
  const payment = await screen.findByRole("region", { name: "Payment" });
  expect(payment).toHaveTextContent("Payment due");
  expect(payment).toHaveTextContent("Due at the box office€100.00");
  expect(payment).toHaveTextContent("Bring this: your tickets admit once it is paid.");
  expect(within(screen.getByRole("region", { name: "Tickets" })).getAllByText("Not paid yet")).toHaveLength(2);
});

it("a refund that is owed is never called refunded", async () => {
  const owed: MoneyMovement = {
    ...MOVEMENT, kind: "owed", amount: "50.00", method: null, reference: "", reason: "cancelled", position: 8,
  }; // prettier-ignore
  open(payable("refund-due", { refund_due_amount: "50.00" }), {}, [MOVEMENT, owed]);
  const payment = await screen.findByRole("region", { name: "Payment" });
  expect(payment).toHaveTextContent("It will be paid back to you.");
  expect(await within(payment).findByText("Paid: card, reference 0042")).toBeInTheDocument();
  expect(within(payment).getByText("Refund owed: for cancelled tickets")).toBeInTheDocument();
  expect(payment).not.toHaveTextContent("Refunded");
});

it("the list of movements can be loaded again", async () => {
  open(payable("paid"));
  server.use(http.get("*/api/bookings/:id/payments", () => HttpResponse.json({}, { status: 500 }), { once: true }));
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(await screen.findByText("Paid: card, reference 0042")).toBeInTheDocument();
});

it.each([
  ["not paid", payable("due"), "Nothing was paid for these tickets, so nothing is paid back. €50.00 will be due."],
  ["paid", payable("paid"), "€50.00 of what was paid will be owed to you, and paid back."],
  [
    "paid, and lowered out of goodwill",
    payable("part-refunded", { refunded_amount: "70.00" }),
    "€30.00 of what was paid will be owed to you",
  ],
  ["paid elsewhere", booking(), "Your refund: €50.00."],
])("cancelling a ticket of a booking that is %s says what happens with the money", async (_, shown, said) => {
  open(shown);
  await userEvent.click(await screen.findByRole("button", { name: "Cancel tickets" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("checkbox", { name: "Ticket 1, General" }));
  expect(within(dialog).getByRole("status")).toHaveTextContent(said);
});

it("cancelling all of an unpaid booking leaves nothing due", async () => {
  open(payable("due"));
  await userEvent.click(await screen.findByRole("button", { name: "Cancel tickets" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("checkbox", { name: "Select all" }));
  expect(within(dialog).getByRole("status")).toHaveTextContent("Nothing is due any more.");
  expect(within(dialog).getByRole("button", { name: "Cancel 2 tickets" })).toBeInTheDocument();
});

const CANCELLED = { status: "cancelled" } as const;

it.each([
  ["paid", payable("refund-due", { ...CANCELLED, refund_due_amount: "100.00" }), "You are owed €100.00"],
  ["refunded", payable("refunded", { ...CANCELLED, refunded_amount: "100.00" }), "€100.00 was paid back to you."],
  ["unpaid", booking(CANCELLED), "Nothing was paid for it, so nothing is owed to you."],
  ["paid elsewhere", booking({ ...CANCELLED, refunded_amount: "100.00" }), "You are owed a full refund."],
])("a cancelled event says what is owed for a booking that was %s", async (_, shown, said) => {
  open(shown, CANCELLED);
  expect(await screen.findByText(new RegExp(said.replaceAll(".", String.raw`\.`)))).toBeInTheDocument();
});
