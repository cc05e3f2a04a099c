import { Alert, Anchor, Button, Group, Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconArrowLeft, IconClockX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, Navigate, useNavigate, useParams } from "react-router";

import type { Event, Hold } from "@/shared/api/generated/model";
import { focusFirstInvalid } from "@/shared/forms/focus-first-invalid";
import { checkoutPath } from "@/shared/navigation/checkout-path";
import { Page } from "@/shared/navigation/page";
import { isOnlineMethod } from "@/shared/payments/payable";
import { eventQuery } from "@/shared/queries/event-query";
import { useSession } from "@/shared/session/session";

import { bindingUntil } from "../binding-until";
import { GuestFields } from "../guest-fields";
import { storeCode } from "../stored-code";
import { eventsText } from "../strings";
import { useGuest } from "../use-guest";
import { useHoldSeats } from "../use-hold-seats";
import classes from "./checkout-page.module.css";
import { CheckoutProblem } from "./checkout-problem";
import { Countdown } from "./countdown";
import { EndedOrder } from "./ended-order";
import { recallHeld, updateHeld } from "./held-seats";
import { LoadedOrder } from "./loaded-order";
import { detailsPath, selectionPath, ticketsPath } from "./order-paths";
import { OrderSummary } from "./order-summary";
import { PaymentChoice } from "./payment-choice";
import { checkoutText as text } from "./strings";
import { useCheckout } from "./use-checkout";
import { useOrder } from "./use-order";
import { useRecheck } from "./use-recheck";
import { useTimeLeft } from "./use-time-left";
import { waysToPay } from "./ways-to-pay";

const RECHECK_MILLISECONDS = 1_000;

/** Between choosing tickets and having them: the seats are held, and their buyer says who they are. */
export function CheckoutPage() {
  const { eventId = "", holdId = "" } = useParams();
  return <Checkout key={holdId} eventId={eventId} holdId={holdId} />;
}

function Checkout({ eventId, holdId }: { eventId: string; holdId: string }) {
  const { data: event } = useQuery(eventQuery(eventId));
  const checkout = useCheckout(holdId);
  return (
    <LoadedOrder checkout={checkout} gone={<EndedOrder kind="gone" to={`/events/${eventId}`} />}>
      {(hold) => {
        if (hold.payment != null) return <Navigate to={checkoutPath(hold.id)} replace />;
        if (hold.status === "confirmed") return <EndedOrder kind="confirmed" to={ticketsPath(hold, checkout.held)} />;
        if (hold.status === "released") return <EndedOrder kind="released" to={selectionPath(hold, event)} />;
        return <Order hold={hold} event={event} checkout={checkout} />;
      }}
    </LoadedOrder>
  );
}

interface OrderProps {
  hold: Hold;
  event: Event | undefined;
  checkout: ReturnType<typeof useCheckout>;
}

function Order({ hold, event, checkout }: OrderProps) {
  const left = useTimeLeft(hold.expires_at);
  const navigate = useNavigate();
  const order = useOrder(hold);
  const code = checkout.held?.code ?? "";
  // The server's clock counts, and it has the last word.
  useRecheck(checkout.refetch, left === 0 && hold.status === "open" ? RECHECK_MILLISECONDS : null);
  // A confirmation that is under way, or whose outcome is unknown, may have come in time.
  const isOver = hold.status === "lapsed" && !order.isFixed;
  const total = (Date.parse(hold.expires_at) - Date.parse(hold.held_at)) / 1_000;
  const change = () => {
    checkout.giveBack(hold.event_id);
    storeCode(hold.event_id, code);
    void navigate(selectionPath(hold, event));
  };
  return (
    <Stack gap="lg">
      <Anchor component="button" type="button" size="sm" w="fit-content" onClick={change} disabled={order.isFixed}>
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
              <Details hold={hold} event={event} order={order} />
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
  order: ReturnType<typeof useOrder>;
}

/** Who books, and how it is paid: the account, or somebody who says who they are. */
function Details({ hold, event, order }: DetailsProps) {
  const { account, isKnown } = useSession();
  const known = recallHeld(hold.id);
  const ways = waysToPay(event, hold.total_amount);
  const [chosen, setWay] = useState(ways[0]);
  const way = ways.find((one) => one === chosen) ?? ways[0];
  const method = way !== undefined && isOnlineMethod(way) ? way : null;
  const guest = useGuest(
    event,
    (guest, isToldElsewhere) => order.order({ guest, isAccounts: false, method, isToldElsewhere }),
    known ?? undefined,
  );
  const orderAsAccount = () => order.order({ guest: null, isAccounts: true, method });
  const quantity = hold.lines.reduce((sum, line) => sum + line.quantity, 0);
  const hint = order.isSlow ? eventsText.booking.slow : method === null ? bindingUntil(event) : text.payment.hint;
  const retry = () =>
    account === null
      ? order.order({ guest: guest.guest, isAccounts: false, method, isToldElsewhere: guest.tell })
      : orderAsAccount();
  const problem = order.problem !== null && (
    <CheckoutProblem
      problem={order.problem}
      hold={hold}
      event={event}
      retry={retry}
      selectionPath={selectionPath(hold, event)}
    />
  );
  const choice = <PaymentChoice ways={ways} value={way} onChange={setWay} isFixed={order.isFixed} />;
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
          if (account !== null) orderAsAccount();
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
              returnPath={detailsPath(hold)}
              quantity={quantity}
              isSending={order.isSending}
              isFixed={order.isFixed}
              hint={hint}
              signIn={text.signIn}
              {...(method === null ? {} : { actions: { book: text.payment.action, confirm: text.payment.confirm } })}
            >
              {choice}
            </GuestFields>
          ) : account.role === "auditor" ? (
            <Text c="dimmed">{text.auditor}</Text>
          ) : (
            <>
              <Text>{text.asAccount(account.name)}</Text>
              {choice}
              <Button type="submit" size="md" loading={order.isSending}>
                {method === null ? eventsText.booking.book(quantity) : text.payment.action}
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
