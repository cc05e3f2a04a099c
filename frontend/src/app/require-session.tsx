import { Button, Center, Loader } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { lazy, Suspense } from "react";
import { Link, Navigate, Outlet, useLocation } from "react-router";

import type { Role } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { Page } from "@/shared/navigation/page";
import { signInPath } from "@/shared/navigation/return-path";
import { useSession } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";

import { shellText } from "./strings";

const Reauthentication = lazy(async () => ({
  default: (await import("@/features/accounts/reauthentication")).Reauthentication,
}));
const Notifications = lazy(async () => ({ default: (await import("./notifications")).Notifications }));

/** The API enforces access; this only avoids showing an empty page. */
export function RequireSession({ roles }: { roles?: readonly Role[] }) {
  const { account, isKnown } = useSession();
  const { pathname, search } = useLocation();

  if (!isKnown) {
    return (
      <Center mih={240}>
        <Loader aria-label={appText.loading} />
      </Center>
    );
  }
  if (account === null) return <Navigate to={signInPath(pathname + search)} replace />;
  if (roles !== undefined && !roles.includes(account.role)) {
    return (
      <Page title={shellText.forbidden.title}>
        <EmptyState
          icon={IconLock}
          title={appText.roles[account.role]}
          text={shellText.forbidden.text}
          action={
            <Button component={Link} to="/">
              {shellText.notFound.action}
            </Button>
          }
        />
      </Page>
    );
  }
  return (
    <>
      <Suspense>
        <Notifications position="top-right" />
        <Reauthentication />
      </Suspense>
      <Outlet />
    </>
  );
}
