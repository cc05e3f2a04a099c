import { Button } from "@mantine/core";
import { IconBandage } from "@tabler/icons-react";

import { EmptyState } from "@/shared/feedback/empty-state";
import { Page } from "@/shared/navigation/page";

import { shellText } from "./strings";

/** For a page that throws, or whose script the server no longer has, since it serves a newer version: only a reload helps. */
export function CrashPage() {
  return (
    <Page title={shellText.crashed.title}>
      <EmptyState
        icon={IconBandage}
        title={shellText.crashed.title}
        text={shellText.crashed.text}
        action={<Button onClick={() => location.reload()}>{shellText.crashed.reload}</Button>}
      />
    </Page>
  );
}
