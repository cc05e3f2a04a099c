import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { EventPage } from "@/features/events/event-page";
import { getGetEventMockHandler } from "@/shared/api/generated/events/events.msw";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";
import type { Event, NewBooking } from "@/shared/api/generated/model";

import { booking, event, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const PROOF = { proof: "a proof", expires_at: "2099-01-01T00:00:00Z" };
const booked = () => HttpResponse.json(booking(), { status: 201 });

/** Without a session. `answers`: to the bookings that are sent, the last one to all others, too. */
function open(
  shown: Event,
  answers: (() => Response)[] = [booked],
  code: () => Response = () => HttpResponse.json(PROOF),
  hasMail = true,
) {
  const sent: { key: string | null; body: NewBooking }[] = [];
  const asked: unknown[] = [];
  server.use(
    getGetEventMockHandler(shown),
    getGetAboutMockHandler({
      name: "Seatledger",
      version: "1",
      currency: "EUR",
      demo_accounts: [],
      has_mail: hasMail,
      has_mailbox: false,
      has_holds: false,
      payment_methods: ["box_office"],
    }),
    http.post("*/api/events/:id/bookings", async ({ request }) => {
      sent.push({ key: request.headers.get("Idempotency-Key"), body: (await request.json()) as NewBooking });
      return (answers[sent.length - 1] ?? answers[answers.length - 1] ?? booked)();
    }),
    http.post("*/api/contacts/verify", async ({ request }) => {
      asked.push(await request.json());
      return new HttpResponse(null, { status: 202 });
    }),
    http.post("*/api/contacts/confirm", async ({ request }) => {
      asked.push(await request.json());
      return code();
    }),
  );
  renderPage(<EventPage />, { path: `/events/${shown.id}`, pattern: "/events/:eventId" });
  return { sent, asked };
}

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const fill = async (label: string, text: string) => userEvent.type(await screen.findByLabelText(label), text);

async function fillIn(email = "gus@example.test") {
  await press("One more in General");
  await fill("Name", "Gus");
  await fill("E-mail address", email);
}

it("a guest books with name and address, and sees the tickets", async () => {
  const { sent, asked } = open(event({ guest_checkout: "open" }));
  await fillIn();
  await press("Book 1 ticket");
  expect((await screen.findByTestId("elsewhere")).textContent).toMatch(/^\/events\/.*\/booked$/);
  expect(sent.map(({ body }) => body)).toEqual([
    {
      tickets: [{ category: "General", quantity: 1 }],
      expected_total: "50.00",
      contact: { name: "Gus", email: "gus@example.test" },
    },
  ]);
  expect(asked).toEqual([]);
});

it("the first request of a browser is sent again with the cookie that it was given", async () => {
  const { sent } = open(event({ guest_checkout: "open" }), [() => problem(422, "guest-secret-missing"), booked]);
  await fillIn();
  await press("Book 1 ticket");
  await screen.findByTestId("elsewhere");
  expect(sent).toHaveLength(2);
  expect(sent[1]?.key).toBe(sent[0]?.key);
});

it("a browser without cookies is told so", async () => {
  const { sent } = open(event({ guest_checkout: "open" }), [() => problem(422, "guest-secret-missing")]);
  await fillIn();
  await press("Book 1 ticket");
  expect(await screen.findByRole("alert")).toHaveTextContent("Your browser keeps no cookies");
  expect(sent).toHaveLength(2);
});

it("where the address must be proven, the code comes before the booking", async () => {
  const { sent, asked } = open(event({ guest_checkout: "proven" }));
  await fillIn();
  await press("Continue");
  await fill("Code", "123456");
  expect(sent).toEqual([]);
  await press("Confirm and book");
  await screen.findByTestId("elsewhere");
  expect(asked).toEqual([{ email: "gus@example.test" }, { email: "gus@example.test", code: "123456" }]);
  expect(sent.map(({ body }) => body.proof)).toEqual(["a proof"]);
});

it("a wrong code is said at its field, and a void one leads back", async () => {
  const wrong = problem(422, "wrong-mailed-code", { errors: [{ path: "code", message: "The code is wrong." }] });
  const answers = [wrong, problem(410, "token-expired")];
  open(event({ guest_checkout: "proven" }), [booked], () => answers.shift() ?? HttpResponse.json(PROOF));
  await fillIn();
  await press("Continue");
  await fill("Code", "1");
  await press("Confirm and book");
  expect(await screen.findByText("The code is wrong.")).toBeVisible();
  await press("Confirm and book");
  expect(await screen.findByRole("alert")).toHaveTextContent("no longer valid");
  expect(screen.queryByLabelText("Code")).toBeNull();
  expect(screen.getByRole("button", { name: "Continue" })).toBeEnabled();
});

it("another address needs another code", async () => {
  open(event({ guest_checkout: "proven" }));
  await fillIn();
  await press("Continue");
  await screen.findByLabelText("Code");
  await fill("E-mail address", "x");
  expect(screen.queryByLabelText("Code")).toBeNull();
});

it("an address for which much was booked is proven first", async () => {
  const { sent } = open(event({ guest_checkout: "open" }), [() => problem(403, "email-unverified"), booked]);
  await fillIn();
  await press("Book 1 ticket");
  expect(await screen.findByRole("alert")).toHaveTextContent("Confirm that it is yours");
  await press("Continue");
  await fill("Code", "123456");
  await press("Confirm and book");
  await screen.findByTestId("elsewhere");
  expect(sent.map(({ body }) => body.proof)).toEqual([undefined, "a proof"]);
});

it("what is missing or malformed is said at its field, and nothing is sent", async () => {
  const { sent } = open(event({ guest_checkout: "open" }));
  await press("One more in General");
  await fill("E-mail address", "nobody");
  await press("Book 1 ticket");
  expect(await screen.findByLabelText("Name")).toHaveAccessibleDescription(/Required/);
  expect(screen.getByLabelText("E-mail address")).toHaveAccessibleDescription(/Enter a valid e-mail address/);
  expect(sent).toEqual([]);
});

it("what the server refuses in a field is said there", async () => {
  const errors = [{ path: "contact.email", message: "must be an e-mail address" }];
  open(event({ guest_checkout: "open" }), [() => problem(422, "malformed", { errors })]);
  await fillIn("gus@nowhere");
  await press("Book 1 ticket");
  expect(await screen.findByText("must be an e-mail address")).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});

it("without mail there are no codes, so one signs in", async () => {
  open(event({ guest_checkout: "proven" }), [booked], undefined, false);
  expect(await screen.findByRole("link", { name: "Sign in to book" })).toBeVisible();
  await waitFor(() => expect(screen.queryByLabelText("E-mail address")).toBeNull());
});

it("where guests are off, one signs in", async () => {
  open(event({ guest_checkout: "off" }));
  await press("One more in General");
  expect(screen.getByRole("link", { name: "Sign in to book" })).toHaveAttribute(
    "href",
    expect.stringContaining("General"),
  );
  expect(screen.queryByLabelText("E-mail address")).toBeNull();
});
