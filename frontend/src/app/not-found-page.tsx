import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/shared/feedback/empty-state";
import { Page } from "@/shared/navigation/page";

import { frameText } from "./strings";

export function NotFoundPage() {
  return (
    <Page title={frameText.notFound.title}>
      <EmptyState
        icon={IconMapOff}
        title="404"
        text={frameText.notFound.text}
        action={
          <Button component={Link} to="/">
            {frameText.notFound.action}
          </Button>
        }
      />
    </Page>
  );
}
