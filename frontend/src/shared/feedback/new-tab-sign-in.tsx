import { Anchor } from "@mantine/core";

import { appText } from "@/shared/strings/app";

/** A link that opens the sign-in page in a new tab, so that a form keeps its entries. All tabs share the session. */
export function NewTabSignIn() {
  return (
    <Anchor href="/sign-in" target="_blank" c="inherit" inherit underline="always">
      {appText.signedOut.action}
    </Anchor>
  );
}
