import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { Reauthentication } from "@/features/accounts/reauthentication";
import { WebhookListPage } from "@/features/webhooks/webhook-list-page";
import { WebhookPage } from "@/features/webhooks/webhook-page";
import { getGetMeMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetAboutMockHandler, getGetAboutResponseMock } from "@/shared/api/generated/system/system.msw";
import type { Webhook, WebhookDelivery } from "@/shared/api/generated/model";

import { account, haveSession, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const webhook = (more: Partial<Webhook> = {}): Webhook => ({
  id: "w",
  url: "https://example.org/hook",
  types: ["*"],
  event_id: null,
  state: "active",
  created_at: "2026-11-23T12:00:00Z",
  last_position: 4_711,
  failing_since: null,
  replay_from: null,
  previous_secret_until: null,
  waiting: 0,
  ...more,
});

const delivery = (id: string, more: Partial<WebhookDelivery> = {}): WebhookDelivery => ({
  id,
  type: "booking.created",
  position: 4_711,
  previous_position: null,
  state: "sent",
  tries: 1,
  created_at: "2026-11-23T12:00:00Z",
  due_at: null,
  tried_at: "2026-11-23T12:00:01Z",
  status: 204,
  milliseconds: 12,
  error: null,
  ...more,
});

/** A server on which the password was given too long ago. `asked`: what it was asked that needs it, with the key. */
function serve({ webhooks = [webhook()], deliveries = [] as WebhookDelivery[] } = {}) {
  const asked: [what: string, key: string | null][] = [];
  let isFresh = false;
  const needPassword = (request: Request, answer: object, status: number) => {
    asked.push([`${request.method} ${new URL(request.url).pathname}`, request.headers.get("Idempotency-Key")]);
    return isFresh ? HttpResponse.json(answer, { status }) : problem(403, "reauthentication-required");
  };
  haveSession();
  server.use(
    getGetAboutMockHandler({ ...getGetAboutResponseMock(), demo_accounts: [] }),
    getGetMeMockHandler(account({ role: "organizer", has_second_factor: false })),
    http.get("*/api/events", () => HttpResponse.json({ items: [], next_cursor: null })),
    http.get("*/api/webhooks", () => HttpResponse.json({ items: webhooks })),
    http.get("*/api/webhooks/:id", () => HttpResponse.json(webhooks[0])),
    http.get("*/api/webhooks/:id/deliveries", () => HttpResponse.json({ items: deliveries, next_cursor: null })),
    http.post("*/api/webhooks", ({ request }) => needPassword(request, { ...webhook(), secret: SECRET }, 201)),
    http.post("*/api/webhooks/:id/secret", ({ request }) => needPassword(request, { ...webhook(), secret: SECRET }, 200)),
    http.post("*/api/me/reauthenticate", () => {
      isFresh = true;
      return new HttpResponse(null, { status: 204 });
    }),
  ); // prettier-ignore
  return asked;
}

function show(page: "list" | "one") {
  const shown = page === "list" ? <WebhookListPage /> : <WebhookPage />;
  const place = page === "list" ? "/webhooks" : "/webhooks/w";
  renderPage(
    <>
      {shown}
      <Reauthentication />
    </>,
    { path: place, pattern: page === "list" ? "/webhooks" : "/webhooks/:webhookId" },
  );
}

async function givePassword() {
  const dialog = within(await screen.findByRole("dialog", { name: "Enter your password" }));
  await userEvent.type(dialog.getByLabelText("Password"), "correct horse");
  await userEvent.click(dialog.getByRole("button", { name: "Continue" }));
}

async function add(url: string) {
  await userEvent.click(await screen.findByRole("button", { name: "Add webhook" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Add webhook" }));
  await userEvent.type(dialog.getByLabelText("Address"), url);
  await userEvent.click(dialog.getByRole("button", { name: "Add webhook" }));
}

it("webhooks are listed with what they are about and their state", async () => {
  serve({
    webhooks: [webhook(), webhook({ id: "x", url: "https://example.org/x", types: ["ticket.used"], state: "paused", waiting: 1_000 })],
  }); // prettier-ignore
  show("list");
  const [, first, second] = await screen.findAllByRole("row");
  expect(first).toHaveTextContent(/hook.*Everything.*All events.*Active.*0/);
  expect(second).toHaveTextContent(/1 type.*Paused.*1,000 or more/);
  expect(within(second as HTMLElement).getByRole("link")).toHaveAttribute("href", "/webhooks/x");
});

it("without webhooks the list says so, and a failed request has a retry", async () => {
  serve({ webhooks: [] });
  server.use(http.get("*/api/webhooks", () => problem(500, "internal-error"), { once: true }));
  show("list");
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  await screen.findByText("No webhooks yet");
});

it("a new webhook asks for the password, is added once, and shows its secret", async () => {
  const asked = serve();
  show("list");
  await add("https://example.org/new");
  await givePassword();
  const secret = within(await screen.findByRole("dialog", { name: "Secret of the webhook" }));
  expect(secret.getByText(SECRET)).toBeVisible();
  expect(asked.map(([what]) => what)).toEqual(["POST /api/webhooks", "POST /api/webhooks"]);
  expect(asked[0]?.[1]).toBe(asked[1]?.[1]);
});

it("without the password nothing is added, and what was typed stays", async () => {
  const asked = serve();
  show("list");
  await add("https://example.org/new");
  const dialog = within(await screen.findByRole("dialog", { name: "Enter your password" }));
  await userEvent.click(dialog.getAllByRole("button", { name: "Cancel" }).at(-1) as HTMLElement);
  const form = within(await screen.findByRole("dialog", { name: "Add webhook" }));
  expect(await form.findByText("Nothing was changed. Please try again.")).toBeVisible();
  expect(form.getByLabelText("Address")).toHaveValue("https://example.org/new");
  expect(asked).toHaveLength(1);
});

it("an address that is none is refused before it is sent", async () => {
  const asked = serve();
  show("list");
  await add("example.org");
  expect(await screen.findByText("Enter an address that begins with https:// or http://.")).toBeVisible();
  expect(asked).toEqual([]);
});

it("a new secret asks for the password and is shown once", async () => {
  const asked = serve();
  show("one");
  await userEvent.click(await screen.findByRole("button", { name: "Change secret" }));
  const question = within(await screen.findByRole("dialog", { name: "Change the secret?" }));
  await userEvent.click(question.getByRole("button", { name: "Change secret" }));
  await givePassword();
  const secret = within(await screen.findByRole("dialog", { name: "Secret of the webhook" }));
  expect(secret.getByText(SECRET)).toBeVisible();
  expect(secret.getByText(/For 24 hours/)).toBeVisible();
  await userEvent.click(secret.getAllByRole("button", { name: "I have kept it" }).at(-1) as HTMLElement);
  await waitFor(() => expect(screen.queryByText(SECRET)).toBeNull());
  expect(asked.map(([what]) => what)).toEqual(["POST /api/webhooks/w/secret", "POST /api/webhooks/w/secret"]);
});

it("it is paused without the password, and deliveries say what became of them", async () => {
  serve({
    deliveries: [
      delivery("due", { state: "due", tries: 2, due_at: "2026-11-23T13:00:00Z", status: 500, error: "It answered 500." }),
      delivery("sent"),
    ],
  }); // prettier-ignore
  const changes: unknown[] = [];
  server.use(
    http.patch("*/api/webhooks/:id", async ({ request }) => {
      changes.push(await request.json());
      return HttpResponse.json(webhook({ state: "paused" }));
    }),
  );
  show("one");
  const [, due, sent] = within(await screen.findByRole("table", { name: "Deliveries" })).getAllByRole("row");
  expect(due).toHaveTextContent(/Waiting.*Next try.*500 in 12 ms.*It answered 500.*2 tries/);
  expect(sent).toHaveTextContent(/Delivered.*204 in 12 ms/);
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  await waitFor(() => expect(changes).toEqual([{ state: "paused" }]));
});

it("a webhook that is gone is said", async () => {
  serve();
  server.use(http.get("*/api/webhooks/:id", () => problem(404, "webhook-not-found")));
  show("one");
  expect(await screen.findByText("No such webhook")).toBeVisible();
});
