import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { EditEventForm } from "@/features/organise/edit-event/edit-event-form";

import { event, problem } from "../../factories";
import { renderPage } from "../../render-page";
import { server } from "../../server";

it("another user's change is shown although the read side is late", async () => {
  const mine = event({ details_version: 1, venue: "Hall 1" });
  const theirs = { ...mine, details_version: 2, venue: "Hall 2" };
  const answers = [mine, mine, theirs];
  server.use(
    http.patch("*/api/events/:id", () => problem(412, "stale-version")),
    http.get("*/api/events/:id", () => HttpResponse.json(answers.shift())),
  );
  renderPage(<EditEventForm event={mine} />);
  const venue = await screen.findByLabelText("Venue");
  await userEvent.clear(venue);
  await userEvent.type(venue, "Hall 3");
  await userEvent.click(screen.getByRole("button", { name: "Save changes" }));
  expect(await screen.findByRole("radio", { name: /Hall 2/ }, { timeout: 5_000 })).toBeInTheDocument();
  expect(answers).toEqual([]);
});
