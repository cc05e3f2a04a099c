import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { CreateEventPage } from "@/features/organise/create-event/create-event-page";
import { getGetAboutMockHandler, getGetAboutResponseMock } from "@/shared/api/generated/system/system.msw";

import { renderPage } from "../../render-page";
import { server } from "../../server";

const WARNING = /nobody gets a code/;

function show(hasMail: boolean) {
  server.use(getGetAboutMockHandler({ ...getGetAboutResponseMock(), has_mail: hasMail, currency: "EUR" }));
  renderPage(<CreateEventPage />);
}

const limit = () => screen.findByRole("textbox", { name: "Tickets per customer" });

it("guests who must prove their address can't book where no mail is sent, and the form says so", async () => {
  show(false);
  await userEvent.clear(await limit());
  await waitFor(() => expect(screen.queryByText(WARNING)).toBeNull());
  await userEvent.click(screen.getByRole("radio", { name: "With a code" }));
  expect(await screen.findByText(WARNING)).toBeVisible();
  await userEvent.click(screen.getByRole("radio", { name: "No" }));
  await waitFor(() => expect(screen.queryByText(WARNING)).toBeNull());
});

it("it also says so where a limit of tickets asks for the code", async () => {
  show(false);
  await userEvent.clear(await limit());
  await waitFor(() => expect(screen.queryByText(WARNING)).toBeNull());
  await userEvent.type(await limit(), "4");
  expect(await screen.findByText(WARNING)).toBeVisible();
});

it("where mail is sent there is nothing to say", async () => {
  show(true);
  await userEvent.click(await screen.findByRole("radio", { name: "With a code" }));
  expect(screen.queryByText(WARNING)).toBeNull();
});
