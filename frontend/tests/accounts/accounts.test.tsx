import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, it } from "vitest";

import { RequireSession } from "@/app/require-session";
import { PasswordForm } from "@/features/accounts/password-form";
import { Reauthentication } from "@/features/accounts/reauthentication";
import { ForgotPasswordPage } from "@/features/accounts/forgot-password-page";
import { ResetPasswordPage } from "@/features/accounts/reset-password-page";
import { SignInPage } from "@/features/accounts/sign-in-page";
import { VerifyEmailPage } from "@/features/accounts/verify-email-page";
import { SignUpPage } from "@/features/accounts/sign-up-page";
import { getGetMeMockHandler, getLogInMockHandler } from "@/shared/api/generated/accounts/accounts.msw";
import type { About } from "@/shared/api/generated/model";
import { getGetAboutMockHandler } from "@/shared/api/generated/system/system.msw";

import { account, haveSession, problem } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const about: About = {
  name: "Seatledger",
  version: "0",
  currency: "EUR",
  demo_accounts: [],
  has_mail: false,
  has_mailbox: false,
  has_holds: true,
  payment_methods: ["box_office"],
};
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
      has_mail: true,
      has_mailbox: true,
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

it("a new password asks for password and code where the API requires them again, and is sent again then", async () => {
  haveSession();
  const owner = account({ has_second_factor: true });
  const given: unknown[] = [];
  const changes: unknown[] = [];
  server.use(
    getGetMeMockHandler(owner),
    http.post("*/api/me/reauthenticate", async ({ request }) => {
      given.push(await request.json());
      return new HttpResponse(null, { status: 204 });
    }),
    http.patch("*/api/me", async ({ request }) => {
      changes.push(await request.json());
      return given.length === 0 ? problem(403, "reauthentication-required") : HttpResponse.json(owner);
    }),
  );
  renderPage(
    <>
      <PasswordForm />
      <Reauthentication />
    </>,
  );
  await type("Current password", "correct horse");
  await type("New password", "another good phrase");
  await press("Change password");
  await type("Password", "correct horse");
  await type("Code", "123456");
  await press("Continue");
  await waitFor(() => expect(changes).toHaveLength(2));
  expect(given).toEqual([{ password: "correct horse", code: "123456" }]);
  expect(changes[1]).toEqual({ old_password: "correct horse", password: "another good phrase" });
});

const passwordFrom = async (label: string) => type(label, "a better password");

it("a forgotten password: the page asks for a link and tells nothing about the account", async () => {
  const sent: unknown[] = [];
  server.use(
    getGetAboutMockHandler({ ...about, has_mail: true, has_mailbox: true }),
    http.post("*/api/password-reset", async ({ request }) => {
      sent.push(await request.json());
      return new HttpResponse(null, { status: 202 });
    }),
  );
  renderPage(<ForgotPasswordPage />, { path: "/forgot-password", pattern: "/forgot-password" });
  await press("Send password link");
  expect(await screen.findByText("Enter a valid e-mail address.")).toBeVisible();
  await type("E-mail address", "alice@example.test");
  await press("Send password link");
  expect(await screen.findByRole("status")).toHaveTextContent("If an account has the address alice@example.test");
  expect(screen.getByRole("link", { name: "Open the demo's mailbox" })).toBeVisible();
  expect(sent).toEqual([{ email: "alice@example.test" }]);
});

it("a link to set a new password is used once, by the button alone", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/password-reset/confirm", async ({ request }) => {
      sent.push(await request.json());
      return sent.length === 1 ? problem(410, "token-expired") : new HttpResponse(null, { status: 204 });
    }),
  );
  renderPage(<ResetPasswordPage />, { path: "/reset-password#the-token", pattern: "/reset-password" });
  await passwordFrom("New password");
  expect(sent).toEqual([]);
  await press("Set new password");
  expect(await screen.findByRole("alert")).toHaveTextContent("no longer valid");
  await press("Set new password");
  expect(await screen.findByText("Your password has been changed")).toBeVisible();
  expect(sent).toEqual(Array(2).fill({ token: "the-token", password: "a better password" }));
});

it("a link without its token says so", async () => {
  renderPage(<ResetPasswordPage />, { path: "/reset-password", pattern: "/reset-password" });
  expect(await screen.findByText("This link is not complete")).toBeVisible();
});

it("a link signs in, and asks for the code of a second factor", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("*/api/sign-in-link/confirm", async ({ request }) => {
      sent.push(await request.json());
      return sent.length === 1 ? problem(401, "second-factor-required") : HttpResponse.json(session);
    }),
  );
  renderPage(<SignInPage />, { path: "/sign-in#the-token", pattern: "/sign-in" });
  await press("Sign in");
  await type("Code", "123456");
  await press("Sign in");
  expect(await screen.findByTestId("elsewhere")).toHaveTextContent("/");
  expect(sent).toEqual([{ token: "the-token" }, { token: "the-token", code: "123456" }]);
});

it("an address that was confirmed before is no error to be afraid of", async () => {
  server.use(http.post("*/api/email/confirm", () => problem(410, "token-used")));
  renderPage(<VerifyEmailPage />, { path: "/verify-email#the-token", pattern: "/verify-email" });
  await press("Confirm address");
  expect(await screen.findByRole("alert")).toHaveTextContent("This address has been confirmed already.");
});

it("an address is confirmed in a session of its account: the page says so, and keeps the link", async () => {
  let isSignedIn = false;
  server.use(
    http.post("*/api/email/confirm", async ({ request }) => {
      expect(await request.json()).toEqual({ token: "the-token" });
      return isSignedIn ? new HttpResponse(null, { status: 204 }) : problem(401, "not-signed-in");
    }),
  );
  renderPage(<VerifyEmailPage />, { path: "/verify-email#the-token", pattern: "/verify-email" });
  await press("Confirm address");
  expect(await screen.findByRole("alert")).toHaveTextContent("Sign in with your password first");
  expect(screen.getByRole("link", { name: "Sign in in a new tab" })).toHaveAttribute("target", "_blank");
  isSignedIn = true;
  await press("Confirm address");
  expect(await screen.findByRole("heading", { name: "Your address is confirmed" })).toBeVisible();
});

it("a link of another account says whose it has to be", async () => {
  server.use(http.post("*/api/email/confirm", () => problem(403, "link-of-another")));
  renderPage(<VerifyEmailPage />, { path: "/verify-email#the-token", pattern: "/verify-email" });
  await press("Confirm address");
  expect(await screen.findByRole("alert")).toHaveTextContent("You are signed in to another account.");
});
