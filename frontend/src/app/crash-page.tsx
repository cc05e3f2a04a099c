import { Button } from "@mantine/core";
import { IconBandage } from "@tabler/icons-react";

import { EmptyState } from "@/shared/feedback/empty-state";
import { Page } from "@/shared/navigation/page";

import { frameText } from "./strings";

/** For a page that throws, or whose script the server no longer has, since it serves a newer version: only a reload helps. */
export function CrashPage() {
  return (
    <Page title={frameText.crashed.title}>
      <EmptyState
        icon={IconBandage}
        title={frameText.crashed.title}
        text={frameText.crashed.text}
        action={<Button onClick={() => location.reload()}>{frameText.crashed.reload}</Button>}
      />
    </Page>
  );
}
