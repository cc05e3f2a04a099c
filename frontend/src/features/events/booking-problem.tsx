import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { UNREACHABLE } from "@/shared/api/problem";
import { formatMoney } from "@/shared/formatting/money";
import { useSeats } from "@/shared/live/seat-store";
import { sharesWithEarlier } from "@/shared/live/shared-seats";
import { useSession } from "@/shared/session/session";

import { checkoutText } from "./checkout/strings";
import { eventsText } from "./strings";
import type { BookingRefusal } from "./booking-refusal";
import { toBookingLines, type TicketSelection } from "./ticket-selection";

interface Props {
  problem: BookingRefusal;
  event: Event;
  choice: TicketSelection;
  setChoice: (choice: TicketSelection) => void;
  retry: () => void;
  /** Books at this total. */
  accept: (total: string) => void;
}

const text = eventsText.booking.problems;

/** Why a booking was refused, and what to do instead. */
export function BookingProblem(props: Props) {
  switch (props.problem.kind) {
    case "sold-out":
      return <SoldOut {...props} />;
    case "price-changed":
      return <PriceChanged {...props} />;
    case "idempotency-key-reused":
      return (
        <ProblemAlert title={text.perhapsBooked.title} sentence={text.perhapsBooked.text} action={<SeeBookings />} />
      );
    case "customer-limit":
      return <Limit {...props} />;
    case "booking-too-large":
      return (
        <ProblemAlert title={text.tooLarge.title} sentence={text.tooLarge.text(props.problem.problem?.limit ?? 0)} />
      );
    case "too-many-holds":
      return <ProblemAlert title={checkoutText.hold.tooMany.title} sentence={checkoutText.hold.tooMany.text} />;
    case "event-not-bookable":
      return <ProblemAlert title={text.notBookable.title} sentence={text.notBookable.text} action={<SeeOthers />} />;
    case "not-on-sale":
      return <ProblemAlert title={text.notOnSale.title} sentence={text.notOnSale.text} action={<SeeOthers />} />;
    case "payment-required":
      return <ProblemAlert title={text.paymentRequired.title} sentence={text.paymentRequired.text} />;
    case "not-signed-in":
      return <ProblemAlert title={text.signedOut.title} sentence={text.signedOut.text} />;
    case "guest-checkout-off":
      return <ProblemAlert title={text.noGuests.title} sentence={text.noGuests.text} />;
    case "guest-secret-missing":
      return <ProblemAlert title={text.noCookies.title} sentence={text.noCookies.text} />;
    case "forbidden":
      return <ProblemAlert title={text.forbidden.title} sentence={text.forbidden.text} />;
    case UNREACHABLE:
    case "outcome-unknown":
      return <ProblemAlert title={text.unknown.title} sentence={text.unknown.text} action={<Retry {...props} />} />;
    case "busy":
      return <ProblemAlert title={text.busy.title} sentence={text.busy.text} action={<Retry {...props} />} />;
    default:
      return <ProblemAlert title={text.other.title} sentence={text.other.text} action={<Retry {...props} />} />;
  }
}

function ProblemAlert({ title, sentence, action }: { title: string; sentence: string; action?: ReactNode }) {
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title={title} role="alert">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{sentence}</Text>
        {action !== undefined && <Group gap="xs">{action}</Group>}
      </Stack>
    </Alert>
  );
}

function SoldOut({ problem, event, choice, setChoice }: Props) {
  const seats = useSeats(event);
  const left = problem.problem?.available ?? 0;
  const category = event.categories.find(({ name }) => name === problem.problem?.category);
  if (category === undefined || seats.available === 0) {
    return <ProblemAlert title={text.soldOut.title} sentence={text.soldOut.all} action={<SeeOthers />} />;
  }
  const ordered = toBookingLines(choice, event).map((line) => line.category);
  const sharing = sharesWithEarlier(event, category.name, ordered);
  if (left === 0 && sharing)
    return <ProblemAlert title={text.soldOut.title} sentence={text.soldOut.fewerBeside(0, category.name)} />;
  if (left === 0)
    return (
      <ProblemAlert title={text.soldOut.title} sentence={text.soldOut.none(category.name)} action={<SeeOthers />} />
    );
  const take = (
    <Button size="xs" variant="default" onClick={() => setChoice({ ...choice, [category.id]: left })}>
      {text.soldOut.take(left)}
    </Button>
  );
  const sentence = (sharing ? text.soldOut.fewerBeside : text.soldOut.fewer)(left, category.name);
  return <ProblemAlert title={text.soldOut.title} sentence={sentence} action={take} />;
}

function PriceChanged({ problem, event, accept }: Props) {
  const total = problem.problem?.total_amount ?? "";
  const shown = formatMoney(total, event.currency);
  const confirm = (
    <Button size="xs" variant="default" onClick={() => accept(total)}>
      {text.priceChanged.accept(shown)}
    </Button>
  );
  return (
    <ProblemAlert
      title={text.priceChanged.title}
      sentence={text.priceChanged.text(shown, formatMoney(problem.expectedTotal, event.currency))}
      action={confirm}
    />
  );
}

function Limit({ problem }: Props) {
  const { account } = useSession();
  const { limit = 0, held = 0 } = problem.problem ?? {};
  return (
    <ProblemAlert
      title={text.limit.title}
      sentence={text.limit.text(limit, held)}
      action={held > 0 && account !== null ? <SeeBookings /> : undefined}
    />
  );
}

function SeeBookings() {
  return (
    <Button component={Link} to="/bookings" size="xs" variant="default">
      {text.limit.bookings}
    </Button>
  );
}

function SeeOthers() {
  return (
    <Button component={Link} to="/" size="xs" variant="default">
      {eventsText.booking.seeOthers}
    </Button>
  );
}

function Retry({ retry }: Props) {
  return (
    <Button size="xs" variant="default" onClick={retry}>
      {eventsText.tryAgain}
    </Button>
  );
}
