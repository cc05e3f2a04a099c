import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, it } from "vitest";

import { RequireSession } from "@/app/require-session";
import { SignInPage } from "@/features/accounts/sign-in-page";
import { SignUpPage } from "@/features/accounts/sign-up-page";
import { getGetMeMockHandler, getLogInMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";

import { account, haveSession, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const about = { name: "Seatledger", version: "0", currency: "EUR", demo_accounts: [] };
const session = {
  access_token: "secret",
  token_type: "bearer" as const,
  expires_at: "2031-01-01T00:00:00Z",
  account: account(),
};

beforeEach(() => server.use(getGetAboutMockHandler(about)));

const type = async (label: string, text: string) => userEvent.type(await screen.findByLabelText(label), text);
const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));

it("sign-in returns to the previous page, and stores no token", async () => {
  server.use(getLogInMockHandler(session));
  renderPage(<SignInPage />, { path: "/sign-in?return=/bookings?show=history", pattern: "/sign-in" });
  await type("E-mail address", "alice@example.test");
  await type("Password", "correct horse");
  await press("Sign in");
  expect(await screen.findByTestId("elsewhere")).toHaveTextContent("/bookings?show=history");
  expect(JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])).not.toContain("secret");
});

it.each([
  [problem(401, "wrong-credentials"), "The e-mail address or the password is wrong."],
  [new Response(await problem(429, "too-many-attempts").text(), { status: 429, headers: { "Retry-After": "42", "Content-Type": "application/problem+json" } }), "Wait 42 seconds"],
])("a failed sign-in shows its reason", async (answer, sentence) => {
  server.use(http.post("*/api/login", () => answer.clone()));
  renderPage(<SignInPage />, { path: "/sign-in", pattern: "/sign-in" });
  await type("E-mail address", "alice@example.test");
  await type("Password", "wrong");
  await press("Sign in");
  expect(await screen.findByRole("alert")).toHaveTextContent(sentence);
}); // prettier-ignore

it("the sign-in page offers each demo account in one click", async () => {
  const sent: unknown[] = [];
  server.use(
    getGetAboutMockHandler({
      ...about,
      demo_accounts: [{ name: "Olu", email: "organizer@example.test", role: "organizer" }],
    }),
    http.post("*/api/login", async ({ request }) => (sent.push(await request.json()), HttpResponse.json(session))),
  );
  renderPage(<SignInPage />, { path: "/sign-in", pattern: "/sign-in" });
  await press("Olu Organizer");
  expect(await screen.findByTestId("elsewhere")).toHaveTextContent("/");
  expect(sent).toEqual([{ email: "organizer@example.test", password: "demo-password" }]);
});

it("a refused form shows the server's messages beside the fields", async () => {
  const errors = [{ path: "name", message: "has a character that nobody can see" }];
  server.use(http.post("*/api/signup", () => problem(422, "malformed", { errors })));
  renderPage(<SignUpPage />, { path: "/sign-up", pattern: "/sign-up" });
  await type("Name", "Eve");
  await type("E-mail address", "eve@example.test");
  await type("Password", "correct horse");
  await press("Create account");
  expect(await screen.findByLabelText("Name")).toHaveAccessibleDescription("has a character that nobody can see");
});

it("an invalid form is not sent", async () => {
  renderPage(<SignUpPage />, { path: "/sign-up", pattern: "/sign-up" });
  await press("Create account");
  expect(screen.getByLabelText("Name")).toHaveAccessibleDescription("Required.");
  expect(screen.getByLabelText("E-mail address")).toHaveAccessibleDescription("Enter a valid e-mail address.");
});

it("a visitor without a session is sent to the sign-in page, and back", async () => {
  renderPage(<RequireSession />, { path: "/account?x=1", pattern: "/account" });
  expect(await screen.findByTestId("elsewhere")).toHaveTextContent("/sign-in?return=%2Faccount%3Fx%3D1");
});

it("a page of another role shows that there is no access", async () => {
  haveSession();
  server.use(getGetMeMockHandler(account({ role: "customer" })));
  renderPage(<RequireSession roles={["admin"]} />, { path: "/users", pattern: "/users" });
  await screen.findByRole("heading", { name: "No access" });
});
