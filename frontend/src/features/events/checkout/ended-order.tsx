import { Button } from "@mantine/core";
import { IconInfoCircle, IconMoodEmpty, IconTicket, type Icon } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/shared/feedback/empty-state";
import { Page } from "@/shared/navigation/page";

import { checkoutText } from "./strings";

type Kind = keyof typeof checkoutText.ended;

const ICONS: Partial<Record<Kind, Icon>> = {
  confirmed: IconInfoCircle,
  paid: IconTicket,
  released: IconInfoCircle,
};

/** Instead of an order that can't go on: why, and where to go. */
export function EndedOrder({ kind, to }: { kind: Kind; to: string }) {
  const { title, text, action } = checkoutText.ended[kind];
  const EndedIcon = ICONS[kind] ?? IconMoodEmpty;
  return (
    <Page title={title}>
      <EmptyState
        icon={EndedIcon}
        title={title}
        text={text}
        action={
          <Button component={Link} to={to} variant="default">
            {action}
          </Button>
        }
      />
    </Page>
  );
}
