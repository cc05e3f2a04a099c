import { Alert, Anchor, Button, Group, Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconArrowLeft, IconClockX, IconInfoCircle, IconMoodEmpty } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link, useNavigate, useParams } from "react-router";

import type { Event, Hold } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { focusFirstInvalid } from "@/shared/forms/focus-first-invalid";
import { Page } from "@/shared/navigation/page";
import { eventQuery } from "@/shared/queries/event-query";
import { useSession } from "@/shared/session/session";

import { bindingUntil } from "../binding-until";
import { GuestFields } from "../guest-fields";
import { storeCode } from "../stored-code";
import { eventsText } from "../strings";
import { formatSelection, SELECTION_PARAMETER } from "../ticket-selection";
import { useGuest } from "../use-guest";
import { useHoldSeats } from "../use-hold-seats";
import classes from "./checkout-page.module.css";
import { CheckoutProblem } from "./checkout-problem";
import { Countdown } from "./countdown";
import { recallHeld, updateHeld, type HeldSeats } from "./held-seats";
import { OrderSummary } from "./order-summary";
import { checkoutText as text } from "./strings";
import { useCheckout, useConfirmation } from "./use-checkout";
import { useTimeLeft } from "./use-time-left";

const RECHECK_MILLISECONDS = 1_000;

/** Between choosing tickets and having them: the seats are held, and their buyer says who they are. */
export function CheckoutPage() {
  const { eventId = "", holdId = "" } = useParams();
  return <Checkout key={holdId} eventId={eventId} holdId={holdId} />;
}

function Checkout({ eventId, holdId }: { eventId: string; holdId: string }) {
  const { data: event } = useQuery(eventQuery(eventId));
  const checkout = useCheckout(holdId, eventId);
  const { data: hold, error, refetch } = checkout;

  if (checkout.isNobodys) return <Ended kind="gone" to={`/events/${eventId}`} />;
  if (hold === undefined) {
    return error === null || isKind(error, "unreachable") ? (
      <Page title={text.title}>
        {error !== null && <LoadError error={error} onRetry={refetch} />}
        <Skeleton height={320} radius="lg" />
      </Page>
    ) : isKind(error, "hold-not-found", "not-signed-in", "link-superseded", "malformed", "forbidden") ? (
      <Ended kind="gone" to={`/events/${eventId}`} />
    ) : (
      <LoadError error={error} onRetry={refetch} />
    );
  }
  if (hold.status === "confirmed") return <Ended kind="confirmed" to={ticketsPath(hold, checkout.held)} />;
  if (hold.status === "released") return <Ended kind="released" to={selectionPath(hold, event)} />;
  return <Order hold={hold} event={event} checkout={checkout} />;
}

interface OrderProps {
  hold: Hold;
  event: Event | undefined;
  checkout: ReturnType<typeof useCheckout>;
}

function Order({ hold, event, checkout }: OrderProps) {
  const left = useTimeLeft(hold.expires_at);
  const navigate = useNavigate();
  const confirmation = useConfirmation(hold);
  const { refetch } = checkout;
  const code = checkout.held?.code ?? "";
  const isDue = left === 0 && hold.status === "open";
  useEffect(() => {
    if (!isDue) return;
    // The server's clock counts, and it has the last word.
    const timer = setInterval(() => void refetch(), RECHECK_MILLISECONDS);
    return () => clearInterval(timer);
  }, [isDue, refetch]);
  // A confirmation that is under way, or whose outcome is unknown, may have come in time.
  const isOver = hold.status === "lapsed" && !confirmation.isFixed;
  const total = (Date.parse(hold.expires_at) - Date.parse(hold.held_at)) / 1_000;
  const change = () => {
    checkout.giveBack();
    storeCode(hold.event_id, code);
    void navigate(selectionPath(hold, event));
  };
  return (
    <Stack gap="lg">
      <Anchor
        component="button"
        type="button"
        size="sm"
        w="fit-content"
        onClick={change}
        disabled={confirmation.isFixed}
      >
        <Group gap={4} component="span">
          <IconArrowLeft size={16} aria-hidden />
          {text.back}
        </Group>
      </Anchor>
      <Page title={text.title} documentTitle={`${text.title} · ${hold.event_name}`}>
        <div className={classes.columns}>
          <div className={classes.summary}>
            <OrderSummary hold={hold} event={event} code={code}>
              {!isOver && <Countdown left={left} total={total} extension={checkout.extension} />}
            </OrderSummary>
          </div>
          <div>
            {isOver ? (
              <Over hold={hold} event={event} />
            ) : event === undefined ? (
              <Skeleton height={240} radius="lg" />
            ) : (
              <Details hold={hold} event={event} confirmation={confirmation} />
            )}
          </div>
        </div>
      </Page>
    </Stack>
  );
}

interface DetailsProps {
  hold: Hold;
  event: Event;
  confirmation: ReturnType<typeof useConfirmation>;
}

/** Who books: the account, or somebody who says who they are. */
function Details({ hold, event, confirmation }: DetailsProps) {
  const { account, isKnown } = useSession();
  const known = recallHeld(hold.id);
  const guest = useGuest(
    event,
    (guest, isToldElsewhere) => confirmation.confirm({ guest, isToldElsewhere }),
    known ?? undefined,
  );
  const quantity = hold.lines.reduce((sum, line) => sum + line.quantity, 0);
  const hint = confirmation.isSlow ? eventsText.booking.slow : bindingUntil(event);
  const retry = () =>
    confirmation.confirm({ guest: account === null ? guest.guest : null, isToldElsewhere: guest.tell });
  const problem = confirmation.problem !== null && (
    <CheckoutProblem
      problem={confirmation.problem}
      hold={hold}
      event={event}
      retry={retry}
      selectionPath={selectionPath(hold, event)}
    />
  );
  const remembered = {
    ...guest,
    set: (field: "name" | "email" | "code", value: string) => {
      guest.set(field, value);
      if (field !== "code") updateHeld(hold.id, { [field]: value });
    },
  };

  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }} component="section" aria-labelledby="details">
      <form
        onSubmit={(submit) => {
          submit.preventDefault();
          if (account !== null) confirmation.confirm({ guest: null });
          else if (!guest.submit()) focusFirstInvalid(submit.currentTarget);
        }}
        noValidate
      >
        <Stack gap="md">
          <Title order={2} size="h3" id="details">
            {text.details}
          </Title>
          {problem}
          {!isKnown ? (
            <Skeleton height={120} radius="md" />
          ) : account === null ? (
            <GuestFields
              guest={remembered}
              returnPath={`/events/${hold.event_id}/checkout/${hold.id}`}
              quantity={quantity}
              isSending={confirmation.isSending}
              isFixed={confirmation.isFixed}
              hint={hint}
              signIn={text.signIn}
            />
          ) : account.role === "auditor" ? (
            <Text c="dimmed">{text.auditor}</Text>
          ) : (
            <>
              <Text>{text.asAccount(account.name)}</Text>
              <Button type="submit" size="md" loading={confirmation.isSending}>
                {eventsText.booking.book(quantity)}
              </Button>
              <Text size="sm" c="dimmed" ta="center" role="status">
                {hint}
              </Text>
            </>
          )}
        </Stack>
      </form>
    </Paper>
  );
}

/** The time is over: the same seats can be held again, with the answers that were given. */
function Over({ hold, event }: { hold: Hold; event: Event | undefined }) {
  const { name = "", email = "", code = "" } = recallHeld(hold.id) ?? {};
  const again = useHoldSeats(hold.event_id);
  const lines = hold.lines.map(({ category, quantity }) => ({ category, quantity }));
  const holdAgain = () => again.hold({ lines, answers: { name, email }, ...(code === "" ? {} : { code }) });
  return (
    <Stack gap="md">
      <Alert icon={<IconClockX aria-hidden />} color="orange" title={text.over.title} role="alert">
        <Stack align="flex-start" gap="sm">
          <Text size="sm">{text.over.text}</Text>
          <Group gap="xs">
            <Button size="sm" loading={again.isSending} onClick={holdAgain}>
              {text.over.action}
            </Button>
            <Button
              size="sm"
              variant="default"
              component={Link}
              to={selectionPath(hold, event)}
              onClick={() => storeCode(hold.event_id, code)}
            >
              {text.over.choose}
            </Button>
          </Group>
        </Stack>
      </Alert>
      {again.problem !== null && (
        <CheckoutProblem
          problem={again.problem}
          hold={hold}
          event={event}
          retry={holdAgain}
          selectionPath={selectionPath(hold, event)}
        />
      )}
    </Stack>
  );
}

function Ended({ kind, to }: { kind: keyof typeof text.ended; to: string }) {
  const { title, text: sentence, action } = text.ended[kind];
  return (
    <Page title={title}>
      <EmptyState
        icon={kind === "gone" ? IconMoodEmpty : IconInfoCircle}
        title={title}
        text={sentence}
        action={
          <Button component={Link} to={to} variant="default">
            {action}
          </Button>
        }
      />
    </Page>
  );
}

/** Where the tickets are: by the link of a guest, or in the account. */
function ticketsPath(hold: Hold, held: HeldSeats | null): string {
  return held === null || held.token === null || held.isAccounts === true
    ? `/bookings/${hold.id}`
    : `/manage#${held.token}`;
}

/** The page of the event, with what was chosen. */
function selectionPath(hold: Hold, event: Event | undefined): string {
  const chosen = hold.lines.map((line): [string, number] => [
    event?.categories.find(({ name }) => name === line.category)?.id ?? "",
    line.quantity,
  ]);
  const selection = formatSelection(Object.fromEntries(chosen));
  return `/events/${hold.event_id}?${new URLSearchParams({ [SELECTION_PARAMETER]: selection })}`;
}
