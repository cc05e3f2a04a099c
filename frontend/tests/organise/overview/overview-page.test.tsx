import { useQuery } from "@tanstack/react-query";
import { act, screen, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { Outlet, Route, Routes } from "react-router";
import { expect, it, vi } from "vitest";

import { OverviewPage } from "@/features/organise/overview/overview-page";
import type { Event } from "@/shared/api/generated/model";
import { getGetStatsSalesMockHandler, getGetStatsSalesResponseMock } from "@/shared/api/generated/stats/stats.msw";
import { seatsByName, storeSeats } from "@/shared/live/seat-store";
import { eventQuery } from "@/shared/queries/event-query";

import { category, event, pool } from "../../factories";
import { renderPage } from "../../render-page";
import { server } from "../../server";

function hall(taken: number, held: number): Pick<Event, "available" | "capacity" | "categories" | "pools"> {
  const available = 6 - taken - held;
  const categories = [category("Adult", { taken, held, available }), category("Child", { available })];
  return { available, capacity: 6, categories, pools: [pool("Hall", categories, { taken, held, available })] };
}

function Layout({ id }: { id: string }) {
  const { data } = useQuery(eventQuery(id));
  return data === undefined ? null : <Outlet context={data} />;
}

async function open(shown: Event) {
  const answers = [shown];
  server.use(
    http.get("*/api/events/:id", () => HttpResponse.json(answers[0])),
    getGetStatsSalesMockHandler({ ...getGetStatsSalesResponseMock(), items: [] }),
  );
  const page = (
    <Routes>
      <Route element={<Layout id={shown.id} />}>
        <Route path="*" element={<OverviewPage />} />
      </Route>
    </Routes>
  );
  renderPage(page);
  await screen.findByRole("table", { name: "Pools" });
  return answers;
}

const row = (table: string, name: string) =>
  within(screen.getByRole("table", { name: table })).getByRole("row", { name: new RegExp(name) });

it("what a pool has sold and left is shown beside its categories, and counted once", async () => {
  await open(event(hall(3, 2)));
  for (const said of ["Adult, Child", "3 of 6", "2 held by people who are about to book"])
    expect(row("Pools", "Hall")).toHaveTextContent(said);
  expect(row("Categories", "Adult")).toHaveTextContent("3 of 10");
  expect(row("Categories", "Child")).toHaveTextContent("0 of 10");
  expect(screen.getAllByText("3 of 6")).toHaveLength(2);
});

it("the event is read again when seats of a pool are sold", async () => {
  const shown = event(hall(3, 0));
  const answers = await open(shown);
  answers[0] = { ...shown, ...hall(4, 0) };
  const { available, categories, pools } = hall(4, 0);
  act(() => storeSeats([[shown.id, { available, ...seatsByName(categories, pools), position: 9 }]]));
  expect(row("Pools", "Hall")).toHaveTextContent("4 of 6");
  await vi.waitFor(() => expect(row("Categories", "Adult")).toHaveTextContent("4 of 10"), { timeout: 4_000 });
});
