import { Anchor } from "@mantine/core";

import { appText } from "@/shared/strings/app";

/** The way to sign in without leaving a page with something entered: in another tab. The session is the browser's. */
export function NewTabSignIn() {
  return (
    <Anchor href="/sign-in" target="_blank" c="inherit" inherit underline="always">
      {appText.signedOut.action}
    </Anchor>
  );
}
