import { Button } from "@mantine/core";
import { IconBandage } from "@tabler/icons-react";

import { NothingHere } from "@/shared/feedback/nothing-here";
import { Page } from "@/shared/navigation/page";
import { app } from "@/shared/strings/app";

/** When a page throws, or its script can't be loaded because the server has a newer one: only loading all of it again helps. */
export function CrashPage() {
  return (
    <Page title={app.crashed.title}>
      <NothingHere
        icon={IconBandage}
        title={app.crashed.title}
        text={app.crashed.text}
        action={<Button onClick={() => location.reload()}>{app.crashed.reload}</Button>}
      />
    </Page>
  );
}
