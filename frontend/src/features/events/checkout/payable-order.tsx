import { Alert, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconCreditCardOff, IconHourglass } from "@tabler/icons-react";
import { skipToken, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";

import type { Event, Hold, HoldPayment, StartedPayment } from "@/shared/api/generated/model";
import { formatMoney } from "@/shared/formatting/money";
import { OUTCOME_PARAMETER, PaymentOutcome } from "@/shared/navigation/checkout-path";
import { Page } from "@/shared/navigation/page";
import { oneOf } from "@/shared/navigation/parameters";
import { isPaidAtBoxOffice } from "@/shared/payments/payable";

import { CardForm } from "./card-form";
import classes from "./checkout-page.module.css";
import { CheckoutProblem } from "./checkout-problem";
import { Countdown } from "./countdown";
import { OrderCancellation } from "./order-cancellation";
import { selectionPath } from "./order-paths";
import { OrderSummary } from "./order-summary";
import { checkoutText } from "./strings";
import type { useCheckout } from "./use-checkout";
import { startedPaymentKey, useOrder } from "./use-order";
import { useTimeLeft } from "./use-time-left";

const text = checkoutText.pay;
/** How long a provider takes the money of a payment that was started. */
const PAYABLE_SECONDS = 30 * 60;

interface Props {
  hold: Hold;
  payment: HoldPayment;
  event: Event | undefined;
  checkout: ReturnType<typeof useCheckout>;
}

/** An order whose payment was started and has not arrived. */
export function PayableOrder({ hold, payment, event, checkout }: Props) {
  const left = useTimeLeft(payment.payable_until);
  return (
    <Page title={checkoutText.title} documentTitle={`${checkoutText.title} · ${hold.event_name}`}>
      <div className={classes.columns}>
        <div className={classes.summary}>
          <OrderSummary hold={hold} event={event} code={checkout.held?.code ?? ""} saysHow={false}>
            {left > 0 && <Countdown left={left} total={PAYABLE_SECONDS} of="payable" />}
          </OrderSummary>
        </div>
        <PaymentState hold={hold} payment={payment} event={event} checkout={checkout} isLate={left === 0} />
      </div>
    </Page>
  );
}

/** What is known of the payment, and what can be done. `isLate`: it can't be paid any more, though the money may still arrive. */
function PaymentState({ hold, payment, event, checkout, isLate }: Props & { isLate: boolean }) {
  const order = useOrder(hold);
  const [parameters, setParameters] = useSearchParams();
  const outcome = oneOf(PaymentOutcome, parameters.get(OUTCOME_PARAMETER));
  const isAccounts = checkout.held?.token == null;
  const pay = () => order.order({ guest: null, isAccounts, method: payment.method });
  const isSent = outcome === "sent";
  const { data: started = null } = useQuery<StartedPayment>({
    queryKey: startedPaymentKey(hold.id),
    queryFn: skipToken,
  });
  const form = started?.card_form ?? null;
  const action = text.action(formatMoney(hold.total_amount, hold.currency));
  const again = payment.method === "stripe" ? text.card.again : text.again;
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }} component="section" aria-labelledby="payment" h="fit-content">
      <Stack gap="md">
        <Title order={2} size="h3" id="payment">
          {checkoutText.payment.title}
        </Title>
        {outcome === "declined" && !isLate && (
          <Alert color="orange" icon={<IconCreditCardOff aria-hidden />} title={text.declined.title} role="alert">
            {text.declined.text}
          </Alert>
        )}
        <Waiting state={isLate ? "late" : isSent ? "sent" : "unpaid"} />
        {order.problem !== null && (
          <CheckoutProblem
            problem={order.problem}
            hold={hold}
            event={event}
            retry={pay}
            selectionPath={selectionPath(hold, event)}
          />
        )}
        {!isLate && form !== null && !isSent && (
          <CardForm
            form={form}
            action={action}
            onPaid={() => setParameters({ [OUTCOME_PARAMETER]: PaymentOutcome.sent })}
          />
        )}
        {!isLate && (form === null || isSent) && (
          <Button size="md" loading={order.isSending} onClick={pay} variant={isSent ? "default" : "filled"}>
            {isSent ? again : action}
          </Button>
        )}
        <Group gap="xs" justify="center">
          {event !== undefined && isPaidAtBoxOffice(event) && (
            <Button
              variant="default"
              disabled={order.isSending}
              onClick={() => order.order({ guest: null, isAccounts, method: null })}
            >
              {text.atVenue}
            </Button>
          )}
          <OrderCancellation cancellation={checkout.cancellation} isDisabled={order.isSending} />
        </Group>
      </Stack>
    </Paper>
  );
}

/** Announced to screen readers, too. */
function Waiting({ state }: { state: "sent" | "unpaid" | "late" }) {
  const { title, text: sentence } = text[state];
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start" role="status" aria-live="polite">
      <IconHourglass size={22} stroke={1.6} aria-hidden style={{ flex: "none" }} />
      <div>
        <Text fw={600}>{title}</Text>
        <Text size="sm" c="dimmed">
          {sentence}
        </Text>
      </div>
    </Group>
  );
}
