import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/shared/feedback/empty-state";
import { Page } from "@/shared/navigation/page";

import { shellText } from "./strings";

export function NotFoundPage() {
  return (
    <Page title={shellText.notFound.title}>
      <EmptyState
        icon={IconMapOff}
        title="404"
        text={shellText.notFound.text}
        action={
          <Button component={Link} to="/">
            {shellText.notFound.action}
          </Button>
        }
      />
    </Page>
  );
}
