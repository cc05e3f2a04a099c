import { Anchor, Button, Divider, Stack, Text } from "@mantine/core";
import { Link } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { signInPath } from "@/shared/navigation/return-path";
import { useSession } from "@/shared/session/session";

import { bindingUntil } from "./binding-until";
import { checkoutText } from "./checkout/strings";
import { eventsText } from "./strings";
import { isValidSelection, selectionPath, type TicketSelection } from "./ticket-selection";

interface Props {
  event: Event;
  choice: TicketSelection;
  quantity: number;
  isSending: boolean;
  isSlow: boolean;
}

/** The button to hold the seats, and for a guest the link to sign in instead. `hasCode`: the next page shows what it takes off. */
export function ContinueButton({ event, choice, quantity, isSending, isSlow, hasCode }: Props & { hasCode: boolean }) {
  const { account } = useSession();
  const text = checkoutText.hold;
  const hint = hasCode ? text.hintWithCode(event.hold_minutes) : text.hint(event.hold_minutes);
  return (
    <Stack gap="md">
      <Stack gap={6}>
        <Button type="submit" size="md" loading={isSending} disabled={quantity === 0 && isValidSelection(choice)}>
          {text.action(quantity)}
        </Button>
        <Text size="sm" c="dimmed" ta="center" role="status">
          {isSlow ? eventsText.booking.slow : quantity === 0 ? eventsText.booking.nothingChosen : hint}
        </Text>
      </Stack>
      {account === null && (
        <>
          <Divider label={eventsText.guest.or} />
          <Anchor
            component={Link}
            to={signInPath(selectionPath(event, choice))}
            size="sm"
            ta="center"
            underline="always"
          >
            {eventsText.booking.signIn}
          </Anchor>
        </>
      )}
    </Stack>
  );
}

/** The button to book, or the link to sign in. */
export function BookButton(props: Props) {
  const { account, isKnown } = useSession();
  const { booking } = eventsText;
  if (account === null && isKnown) {
    return (
      <Stack gap={6}>
        <Button component={Link} to={signInPath(selectionPath(props.event, props.choice))} size="md">
          {booking.signIn}
        </Button>
        <Text size="sm" c="dimmed" ta="center">
          {booking.signInHint}
        </Text>
      </Stack>
    );
  }
  if (account?.role === "auditor") return <Text c="dimmed">{booking.auditor}</Text>;
  return (
    <Stack gap={6}>
      <Button
        type="submit"
        size="md"
        loading={props.isSending || !isKnown}
        disabled={props.quantity === 0 && isValidSelection(props.choice)}
      >
        {booking.book(props.quantity)}
      </Button>
      <Text size="sm" c="dimmed" ta="center" role="status">
        {hintFor(props.event, props.quantity, props.isSlow)}
      </Text>
    </Stack>
  );
}

/** What stands under the button. */
export function hintFor(event: Event, quantity: number, isSlow: boolean): string {
  if (isSlow) return eventsText.booking.slow;
  return quantity === 0 ? eventsText.booking.nothingChosen : bindingUntil(event);
}
