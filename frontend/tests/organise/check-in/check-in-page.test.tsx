import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { Outlet, Route, Routes } from "react-router";
import { describe, expect, it } from "vitest";

import { CheckInPage } from "@/features/organise/check-in/check-in-page";
import { getGetEventResponseMock } from "@/shared/api/generated/events/events.msw";

import { renderPage } from "../../render-page";
import { server } from "../../server";

const event = { ...getGetEventResponseMock(), id: "e1", status: "active" as const };

function open() {
  renderPage(
    <Routes>
      <Route element={<Outlet context={event} />}>
        <Route path="*" element={<CheckInPage />} />
      </Route>
    </Routes>,
  );
  return screen.getByLabelText("Ticket code");
}

describe("checking in", () => {
  it("sends a code without a response again with the same key, and another code with another key", async () => {
    const keys: string[] = [];
    server.use(
      http.post("*/api/events/e1/check-ins", ({ request }) => {
        keys.push(request.headers.get("Idempotency-Key") ?? "");
        if (keys.length === 1) {
          const body = { type: "/problems/internal-error", title: "", status: 500, detail: "" };
          return HttpResponse.json(body, { status: 500 });
        }
        return HttpResponse.json({ id: "1", code: "A", category: "VIP", status: "used" });
      }),
    );
    const field = open();
    await userEvent.type(field, "AAAA{Enter}");
    expect(await screen.findByText("Check again")).toBeVisible();
    await userEvent.type(field, "AAAA{Enter}");
    expect(await screen.findByText("Admit")).toBeVisible();
    await userEvent.type(field, "BBBB{Enter}");
    await waitFor(() => expect(keys).toHaveLength(3));
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("does not send an empty code, and keeps the focus in the field", async () => {
    const field = open();
    await userEvent.type(field, "  {Enter}");
    expect(field).toHaveFocus();
    expect(screen.getByText("Ready for the next ticket")).toBeVisible();
  });
});
