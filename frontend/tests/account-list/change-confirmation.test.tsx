import { screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";

import { ChangeConfirmation } from "@/features/account-list/change-confirmation";
import type { AccountChange } from "@/features/account-list/change-confirmation";
import { getGetAboutMockHandler, getGetAboutResponseMock } from "@/shared/api/generated/system/system.msw";
import type { Account } from "@/shared/api/generated/model";

import { account, haveSession } from "../factories";
import { renderPage } from "../render-page";
import { server } from "../server";

const stranger: Account = { ...account(), role: "customer", is_email_proven: false };

function show(change: AccountChange, { hasMail = true } = {}) {
  haveSession();
  server.use(getGetAboutMockHandler({ ...getGetAboutResponseMock(), has_mail: hasMail }));
  return renderPage(<ChangeConfirmation change={change} onClose={() => undefined} />);
}

it("a new role under an unconfirmed address says what ends", async () => {
  show({ account: stranger, role: "organizer" });
  const warning = await screen.findByText(/has not been confirmed/);
  expect(warning).toHaveTextContent(stranger.email);
  expect(warning).toHaveTextContent("Its password, second factor and sessions end");
});

it.each<[string, AccountChange, boolean]>([
  ["the address is confirmed", { account: { ...stranger, is_email_proven: true }, role: "organizer" }, true],
  ["it is no customer", { account: { ...stranger, role: "organizer" }, role: "customer" }, true],
  ["the account is disabled", { account: stranger, disabled: true }, true],
  ["no mail is sent", { account: stranger, role: "organizer" }, false],
])("it says nothing of that if %s", async (_, change, hasMail) => {
  const { queries } = show(change, { hasMail });
  await screen.findByRole("dialog");
  await waitFor(() => expect(queries.isFetching()).toBe(0));
  expect(screen.queryByText(/has not been confirmed/)).toBeNull();
});
