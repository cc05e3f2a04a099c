import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "react-router";

import { UNREACHABLE } from "@/shared/api/problem";

import type { BookingRefusal } from "../booking-refusal";
import { eventsText } from "../strings";
import { checkoutText } from "./strings";

const text = eventsText.booking.problems;

interface Props {
  problem: BookingRefusal;
  retry: () => void;
  /** Where another choice is made. */
  selectionPath: string;
}

/** Why seats were not held or booked, and what to do instead. */
export function CheckoutProblem({ problem, retry, selectionPath }: Props) {
  const { title, sentence, canRetry } = explain(problem);
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title={title} role="alert">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{sentence}</Text>
        <Group gap="xs">
          {canRetry ? (
            <Button size="xs" variant="default" onClick={retry}>
              {eventsText.tryAgain}
            </Button>
          ) : (
            <Button size="xs" variant="default" component={Link} to={selectionPath}>
              {checkoutText.over.choose}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

function explain({ kind, problem }: BookingRefusal): { title: string; sentence: string; canRetry: boolean } {
  const { available = 0, held = 0, limit = 0 } = problem ?? {};
  const category = problem?.category;
  const say = ({ title, text }: { title: string; text: string }, canRetry = false) => ({
    title,
    sentence: text,
    canRetry,
  });
  switch (kind) {
    case "sold-out":
    case "hold-gone": {
      const left = checkoutText.over.left(available, typeof category === "string" ? category : "");
      const back = held > 0 ? ` ${checkoutText.over.mayComeBack(held)}` : "";
      return { title: text.soldOut.title, sentence: left + back, canRetry: false };
    }
    case "customer-limit":
      return { title: text.limit.title, sentence: text.limit.text(limit, held), canRetry: false };
    case "too-many-holds":
      return say(checkoutText.hold.tooMany);
    case "event-not-bookable":
      return say(text.notBookable);
    case "not-on-sale":
      return say(text.notOnSale);
    case "guest-checkout-off":
      return say(text.noGuests);
    case "guest-secret-missing":
      return say(text.noCookies);
    case "forbidden":
      return say(text.forbidden);
    case "hold-closed":
      return say(checkoutText.over);
    case UNREACHABLE:
    case "outcome-unknown":
      return say(text.unknown, true);
    case "busy":
      return say(text.busy, true);
    default:
      return say(text.other, true);
  }
}
