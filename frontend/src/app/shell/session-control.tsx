import { Button } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { Link, useLocation } from "react-router";

import { signInPath } from "@/shared/navigation/return-path";
import { useSession } from "@/shared/session/session";

import { shellText } from "../strings";
import { AccountButton } from "./account-button";

const AccountMenu = lazy(async () => ({ default: (await import("./account-menu")).AccountMenu }));

/** The account menu of the current session, or a link to sign in. */
export function SessionControl() {
  const { account, isKnown } = useSession();
  const { pathname, search } = useLocation();
  const [isMenuRequested, setIsMenuRequested] = useState(false);

  if (!isKnown) return null;
  if (account !== null) {
    return (
      <Suspense fallback={<AccountButton account={account} />}>
        {isMenuRequested ? (
          <AccountMenu account={account} />
        ) : (
          <AccountButton account={account} onClick={() => setIsMenuRequested(true)} />
        )}
      </Suspense>
    );
  }
  const isSigningIn = ["/sign-in", "/sign-up"].includes(pathname);
  return (
    <Button component={Link} to={isSigningIn ? "/sign-in" : signInPath(pathname + search)} size="sm">
      {shellText.signIn}
    </Button>
  );
}
