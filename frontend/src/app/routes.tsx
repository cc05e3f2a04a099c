import { lazy } from "react";
import { Route, Routes } from "react-router";

import { backOffice } from "./back-office";
import { NotFoundPage } from "./not-found-page";
import { RequireSession } from "./require-session";
import { Shell } from "./shell/shell";

// Each page is loaded when somebody goes there.
const EventsPage = lazy(async () => ({ default: (await import("@/features/events/events-page")).EventsPage }));

export function AppRoutes() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<EventsPage />} />
        <Route element={<RequireSession />}>{/* everybody who is signed in */}</Route>
        {backOffice}
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}
