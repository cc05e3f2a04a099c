import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { MessageForm } from "@/features/organise/messages/message-form";
import { MessageList } from "@/features/organise/messages/message-list";
import type { Message, WriteMessage } from "@/shared/api/generated/model";

import { category, event, problem } from "../../factories";
import { renderPage } from "../../render-page";
import { server } from "../../server";

const concert = event({ id: "e", categories: [category("General"), category("VIP")] });

const message = (more: Partial<Message> = {}): Message => ({
  id: "m",
  subject: "Doors open at 18:00",
  text: "Please be early.",
  has_reply_to: false,
  sender: "Orga",
  audience: "all",
  category: null,
  created_at: "2026-11-23T12:00:00Z",
  recipients: 10,
  sent: 10,
  waiting: 0,
  failed: 0,
  skipped: 0,
  ...more,
});

interface Asked {
  isPreview: boolean;
  body: WriteMessage;
  key: string | null;
}

/** A server that would mail to `recipients`. `refuse`: how it answers what is to be sent. */
function serve({ recipients = 12, refuse }: { recipients?: number; refuse?: () => Response } = {}) {
  const asked: Asked[] = [];
  server.use(
    http.post("*/api/events/e/messages", async ({ request }) => {
      const isPreview = new URL(request.url).searchParams.has("preview");
      const body = (await request.json()) as WriteMessage;
      asked.push({ isPreview, body, key: request.headers.get("Idempotency-Key") });
      const preview = { recipients, subject: body.subject, text: `Hello,\n${body.text}`, html: "", reply_to: null };
      if (isPreview) return HttpResponse.json({ message: null, preview });
      return refuse?.() ?? HttpResponse.json({ message: message(), preview: null }, { status: 202 });
    }),
  );
  return asked;
}

async function paste(label: RegExp, words: string) {
  await userEvent.click(screen.getByLabelText(label));
  await userEvent.paste(words);
}

async function write() {
  await paste(/^Subject/, "Doors open at 18:00");
  await paste(/^Message/, "Please be early.");
  await userEvent.click(screen.getByRole("button", { name: "Preview" }));
}

it("a message is seen first, sent after a question, and the form is empty then", async () => {
  const asked = serve();
  renderPage(<MessageForm event={concert} />);
  await write();
  expect(await screen.findByText("This would reach 12 people.")).toBeVisible();
  expect(screen.getByRole("article", { name: "As it arrives" })).toHaveTextContent(/Hello, ?Please be early/);
  await userEvent.click(screen.getByRole("button", { name: "Send to 12 people" }));
  const question = within(await screen.findByRole("dialog", { name: "Send this message?" }));
  await userEvent.click(question.getByRole("button", { name: "Send to 12 people" }));
  await waitFor(() => expect(screen.getByLabelText(/^Subject/)).toHaveValue(""));
  expect(screen.queryByRole("article")).toBeNull();
  const body = { audience: "all", subject: "Doors open at 18:00", text: "Please be early.", has_reply_to: false };
  expect(asked.map(({ isPreview, body }) => [isPreview, body])).toEqual([[true, body], [false, body]]); // prettier-ignore
});

it("nothing is asked for a message without words", async () => {
  const asked = serve();
  renderPage(<MessageForm event={concert} />);
  await userEvent.click(screen.getByRole("button", { name: "Preview" }));
  expect(await screen.findAllByText("Required")).toHaveLength(2);
  await waitFor(() => expect(screen.getByLabelText(/^Subject/)).toHaveFocus());
  expect(asked).toEqual([]);
});

it("what is changed after the preview is not sent unseen", async () => {
  serve();
  renderPage(<MessageForm event={concert} />);
  await write();
  await screen.findByText("This would reach 12 people.");
  await paste(/^Message/, "!");
  expect(screen.queryByRole("button", { name: "Send to 12 people" })).toBeNull();
});

it("a test goes to oneself, and nobody else can be written to where nobody is", async () => {
  const asked = serve({ recipients: 0 });
  renderPage(<MessageForm event={concert} />);
  await write();
  expect(await screen.findByText("Nobody would get this message: choose other attendees.")).toBeVisible();
  expect(screen.queryByRole("button", { name: /^Send to \d/ })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Send to me first" }));
  await waitFor(() => expect(asked.at(-1)).toMatchObject({ isPreview: false, body: { audience: "myself" } }));
});

function tomorrow() {
  const answer = problem(429, "too-many-announcements", { next_at: "2026-11-24T12:00:00Z" });
  answer.headers.set("Retry-After", "86400");
  return answer;
}

it.each([
  [tomorrow, /That is all for a day/],
  [() => problem(403, "account-unverified"), "Confirm the e-mail address of your account first"],
  [() => problem(409, "audience-empty"), "Nobody would get this message any more."],
  [() => problem(403, "forbidden"), "That did not work. Try again."],
])("a refusal is said where one sends, and the next try has the same key", async (refuse, sentence) => {
  const asked = serve({ refuse });
  renderPage(<MessageForm event={concert} />);
  await write();
  await userEvent.click(await screen.findByRole("button", { name: "Send to 12 people" }));
  const question = within(await screen.findByRole("dialog", { name: "Send this message?" }));
  const send = question.getByRole("button", { name: "Send to 12 people" });
  await userEvent.click(send);
  expect(await question.findByRole("alert")).toHaveTextContent(sentence);
  await userEvent.click(send);
  await waitFor(() => expect(asked).toHaveLength(3));
  expect(asked[1]?.key).toBe(asked[2]?.key);
});

it("what was sent says to whom, and how far its mails are", async () => {
  const items = [
    message({ id: "new", recipients: null, sent: 0 }),
    message({ id: "on its way", sent: 4, waiting: 3, failed: 2, skipped: 1, audience: "checked-in", category: "VIP" }),
    message({ id: "test", audience: "myself", sender: null, recipients: 1, sent: 1 }),
  ];
  server.use(http.get("*/api/events/e/messages", () => HttpResponse.json({ items, next_cursor: null })));
  renderPage(<MessageList event={concert} />);
  const [, first, second, third] = await screen.findAllByRole("row");
  expect(first).toHaveTextContent(/by Orga.*Everybody with valid tickets.*Being prepared/);
  expect(second).toHaveTextContent(
    /With tickets checked in.*VIP.*4 of 10 sent.*3 waiting, 2 came back, 1 not wanted any more/,
  );
  expect(within(second as HTMLElement).getByRole("progressbar")).toHaveAttribute("aria-valuenow", "70");
  expect(third).toHaveTextContent(/Myself, as a test.*1 of 1 sent/);
});

it("without messages the list says so, and a failed request has a retry", async () => {
  server.use(
    http.get("*/api/events/e/messages", () => problem(500, "internal-error"), { once: true }),
    http.get("*/api/events/e/messages", () => HttpResponse.json({ items: [], next_cursor: null })),
  );
  renderPage(<MessageList event={concert} />);
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(await screen.findByText("No messages yet")).toBeVisible();
});
