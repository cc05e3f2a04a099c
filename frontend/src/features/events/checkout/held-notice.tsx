import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconClock } from "@tabler/icons-react";
import { Link } from "react-router";

import { formatLocalTime } from "@/shared/formatting/date-times";
import { useSession } from "@/shared/session/session";
import { serverNow } from "@/shared/time/server-clock";
import { useNow } from "@/shared/time/use-now";

import { findHeld } from "./held-seats";
import { checkoutText } from "./strings";

const text = checkoutText.notice;

/** An order for this event that was begun in this browser, and whose seats are still held. */
export function HeldNotice({ eventId }: { eventId: string }) {
  useNow(); // looks again now and then
  const { account } = useSession();
  const found = findHeld(eventId, serverNow(), account?.id ?? null);
  if (found === null) return null;
  return (
    <Alert icon={<IconClock aria-hidden />} title={text.title} variant="light">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{text.text(formatLocalTime(found.held.until))}</Text>
        <Button component={Link} to={`/events/${eventId}/checkout/${found.id}`} size="xs" variant="default">
          {text.action}
        </Button>
      </Stack>
    </Alert>
  );
}
