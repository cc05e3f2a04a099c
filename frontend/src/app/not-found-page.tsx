import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "react-router";

import { NothingHere } from "@/shared/feedback/nothing-here";
import { Page } from "@/shared/navigation/page";

import { frameText } from "./strings";

export function NotFoundPage() {
  return (
    <Page title={frameText.notFound.title}>
      <NothingHere
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
