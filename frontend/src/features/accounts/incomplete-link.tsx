import { Button } from "@mantine/core";
import { IconUnlink } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/shared/feedback/empty-state";

import { accountsText } from "./strings";

/** For a page of a link that was opened without its token. */
export function IncompleteLink() {
  return (
    <EmptyState
      icon={IconUnlink}
      title={accountsText.link.noneTitle}
      text={accountsText.link.none}
      action={
        <Button component={Link} to="/forgot-password" variant="light">
          {accountsText.link.askAgain}
        </Button>
      }
    />
  );
}
