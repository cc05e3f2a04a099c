import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "react-router";

import { NothingHere } from "@/shared/feedback/nothing-here";
import { Page } from "@/shared/navigation/page";
import { app } from "@/shared/strings/app";

export function NotFoundPage() {
  return (
    <Page title={app.notFound.title}>
      <NothingHere
        icon={IconMapOff}
        title="404"
        text={app.notFound.text}
        action={
          <Button component={Link} to="/">
            {app.notFound.action}
          </Button>
        }
      />
    </Page>
  );
}
