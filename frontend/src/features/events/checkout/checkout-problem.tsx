import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "react-router";

import type { Event, Hold } from "@/shared/api/generated/model";
import { UNREACHABLE } from "@/shared/api/problem";
import { sharesWithEarlier } from "@/shared/live/shared-seats";
import { describeCodeProblem } from "@/shared/orders/code-problem";
import { promoCodesText } from "@/shared/strings/promo-codes";
import { useNow } from "@/shared/time/use-now";

import type { BookingRefusal } from "../booking-refusal";
import { eventsText } from "../strings";
import { recallHeld } from "./held-seats";
import { checkoutText } from "./strings";

const text = eventsText.booking.problems;

interface Props {
  problem: BookingRefusal;
  hold: Hold;
  event: Event | undefined;
  retry: () => void;
  /** Where another choice is made. */
  selectionPath: string;
}

/** Why seats were not held or booked, and what to do instead. */
export function CheckoutProblem({ problem, hold, event, retry, selectionPath }: Props) {
  const now = useNow();
  const { code = "" } = recallHeld(hold.id) ?? {};
  const wrongCode = describeCodeProblem(problem, { timeZone: event?.timezone ?? "UTC", now, hasCode: code !== "" });
  const isShared = (category: string) => {
    const ordered = hold.lines.map((line) => line.category);
    return event !== undefined && sharesWithEarlier(event, category, ordered);
  };
  const { title, sentence, canRetry } =
    wrongCode === null
      ? explain(problem, isShared)
      : { title: promoCodesText.label, sentence: wrongCode, canRetry: problem.kind === "too-many-codes" };
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

/** `isShared`: whether a category shares seats with an earlier one of the order. */
function explain({ kind, problem }: BookingRefusal, isShared: (category: string) => boolean) {
  const { available = 0, held = 0, limit = 0 } = problem ?? {};
  const category = typeof problem?.category === "string" ? problem.category : "";
  const say = ({ title, text }: { title: string; text: string }, canRetry = false) => ({
    title,
    sentence: text,
    canRetry,
  });
  switch (kind) {
    case "sold-out":
    case "hold-gone": {
      const left = checkoutText.over.left(available, category, isShared(category));
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
    case "payment-required":
      return say(text.paymentRequired);
    case "payment-method-off":
      return say(text.methodOff);
    case "provider-unavailable":
      return say(text.providerUnavailable, true);
    case "payment-refused":
      return say(text.paymentRefused);
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
