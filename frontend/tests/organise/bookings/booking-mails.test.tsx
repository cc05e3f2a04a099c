import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { BookingMails } from "@/features/organise/bookings/mails/booking-mails";
import { getGetAboutMockHandler, getGetAboutResponseMock } from "@/shared/api/generated/system/system.msw";
import type { EventBooking, Notification } from "@/shared/api/generated/model";

import { booking, problem } from "../../factories";
import { renderPage } from "../../render-page";
import { server } from "../../server";

const sold: EventBooking = {
  ...booking({ id: "b", number: 12, customer_id: "c" }),
  customer: { id: "c", name: "Wanda", email: "wanda@example.test" },
};

const mail = (id: string, more: Partial<Notification> = {}): Notification => ({
  id,
  kind: "booking-confirmed",
  event_id: "e",
  booking_id: "b",
  position: 12,
  state: "sent",
  tries: 1,
  created_at: "2026-11-23T12:00:00Z",
  due_at: null,
  sent_at: "2026-11-23T12:00:01Z",
  error: null,
  recipient_name: "Wanda",
  ...more,
});

interface Given {
  hasMail?: boolean;
  of?: EventBooking;
  fails?: boolean;
}

/** Opens the dialog. `asked`: the paths and keys by which something was sent again. */
async function open(mails: Notification[], { hasMail = true, of = sold, fails = false }: Given = {}) {
  const asked: [path: string, key: string | null][] = [];
  const note = ({ request }: { request: Request }) => {
    asked.push([new URL(request.url).pathname, request.headers.get("Idempotency-Key")]);
    return new HttpResponse(null, { status: 202 });
  };
  server.use(
    getGetAboutMockHandler({ ...getGetAboutResponseMock(), has_mail: hasMail }),
    http.get("*/api/notifications", () => HttpResponse.json({ items: mails, next_cursor: null })),
    http.post("*/api/notifications/:id/resend", note),
    http.post("*/api/bookings/:id/resend", note),
  );
  if (fails) server.use(http.get("*/api/notifications", () => problem(500, "internal-error"), { once: true }));
  renderPage(<BookingMails booking={of} />);
  await userEvent.click(screen.getByRole("button", { name: "Show the mails about booking no. 12" }));
  return { asked, dialog: within(await screen.findByRole("dialog", { name: "Mails about booking no. 12" })) };
}

it("mails are listed with what became of them, and why in plain words", async () => {
  const { dialog } = await open([
    mail("held", { kind: "event-changed", state: "held", sent_at: null }),
    mail("due", { state: "due", sent_at: null, due_at: "2026-11-23T12:05:00Z", tries: 3, error: "452 mailbox full" }),
    mail("failed", { kind: "event-cancelled", state: "failed", sent_at: null, error: "550 5.1.1 <…>: unknown" }),
    mail("skipped", { kind: "later-kind", state: "skipped", sent_at: null, error: "The recipient was erased.", recipient_name: null }),
    mail("sent", { position: null }),
    mail("reminded", { kind: "reminder", position: null }),
  ]); // prettier-ignore
  const items = await dialog.findAllByRole("listitem");
  expect(items).toHaveLength(6);
  const [held, due, failed, skipped, sent, reminded] = items;
  expect(held).toHaveTextContent(/Event moved or renamed.*Held back.*A backup was restored/);
  expect(due).toHaveTextContent(/Waiting.*Next try on.*3 tries.*The mailbox is full.*452 mailbox full/);
  expect(failed).toHaveTextContent(/Event cancelled.*Not delivered.*there is no such address.*550 5.1.1 <…>: unknown/);
  expect(skipped).toHaveTextContent(/Message.*Not needed.*To a deleted account.*The recipient was erased/);
  expect(sent).toHaveTextContent(/Confirmation with tickets.*Sent on.*To Wanda · Asked for again/);
  expect(reminded).toHaveTextContent(/Reminder/);
  expect(reminded).not.toHaveTextContent(/Asked for again/);
  expect(dialog.getAllByRole("button", { name: /^Send again/ })).toHaveLength(4);
});

it("a mail is sent again under one key, and the list is read again", async () => {
  const { asked, dialog } = await open([mail("one")]);
  let reads = 0;
  server.use(
    http.get("*/api/notifications", () => {
      reads += 1;
      return HttpResponse.json({ items: [mail("two", { state: "due", sent_at: null }), mail("one")], next_cursor: null });
    }),
  ); // prettier-ignore
  await userEvent.click(await dialog.findByRole("button", { name: /^Send again: Confirmation with tickets/ }));
  await waitFor(() => expect(dialog.getAllByRole("listitem")).toHaveLength(2));
  expect(reads).toBeGreaterThan(0);
  expect(asked.map(([path]) => path)).toEqual(["/api/notifications/one/resend"]);
  expect(asked[0]?.[1]).toBeTruthy();
});

it.each([
  [409, "no-tickets-left", "All tickets of this booking are cancelled"],
  [429, "too-many-attempts", "Try again later"],
  [409, "something-else", "Nothing was sent. Please try again."],
])("what is refused is said: %s %s", async (status, kind, sentence) => {
  const { dialog } = await open([mail("one")]);
  server.use(
    http.post("*/api/notifications/:id/resend", () => {
      const refused = problem(status, kind);
      refused.headers.set("Retry-After", "3000");
      return refused;
    }),
  );
  await userEvent.click(await dialog.findByRole("button", { name: /^Send again/ }));
  expect(await dialog.findByRole("alert")).toHaveTextContent(sentence);
});

it("without a mail the tickets can be mailed", async () => {
  const { asked, dialog } = await open([]);
  await userEvent.click(await dialog.findByRole("button", { name: "Mail the tickets" }));
  await waitFor(() => expect(asked.map(([path]) => path)).toEqual(["/api/bookings/b/resend"]));
});

it("nothing is offered where no mail is sent, or no ticket is left", async () => {
  const { dialog } = await open([], { hasMail: false });
  await dialog.findByText("This installation sends no mail.");
  expect(dialog.queryByRole("button", { name: "Mail the tickets" })).toBeNull();
});

it("nothing is offered for a cancelled booking without mails", async () => {
  const { dialog } = await open([], { of: { ...sold, status: "cancelled" } });
  await dialog.findByText(/appear here when they are due/);
  expect(dialog.queryByRole("button", { name: "Mail the tickets" })).toBeNull();
});

it("a failed request is said, with a retry", async () => {
  const { dialog } = await open([mail("one")], { fails: true });
  await userEvent.click(await dialog.findByRole("button", { name: "Try again" }));
  expect(await dialog.findAllByRole("listitem")).toHaveLength(1);
});
