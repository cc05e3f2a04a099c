import { lazy, Suspense } from "react";
import { Outlet } from "react-router";

const Notifications = lazy(async () => ({ default: (await import("./notifications")).Notifications }));

/** For public pages that show notifications. */
export function WithNotifications() {
  return (
    <>
      <Suspense>
        <Notifications position="top-right" />
      </Suspense>
      <Outlet />
    </>
  );
}
