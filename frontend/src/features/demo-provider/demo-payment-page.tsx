import { Alert, Button, Divider, Paper, Skeleton, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconMoodEmpty, IconTestPipe } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "react-router";

import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatMoney } from "@/shared/formatting/money";
import { checkoutPath } from "@/shared/navigation/checkout-path";
import { Page } from "@/shared/navigation/page";

import { choose, demoPaymentQuery, OUTCOMES, type DemoOutcome, type DemoPayment } from "./queries";
import { demoProviderText as text } from "./strings";

/** Plays the page of a payment provider: the visitor chooses what becomes of the payment. */
export function DemoPaymentPage() {
  const { paymentId = "" } = useParams();
  const { data: payment, error, refetch } = useQuery(demoPaymentQuery(paymentId));
  if (isKind(error, "payment-not-found", "provider-unknown", "malformed")) {
    return (
      <Page title={text.notFound.title}>
        <EmptyState icon={IconMoodEmpty} title="404" text={text.notFound.text} />
      </Page>
    );
  }
  return (
    <Page title={text.title}>
      <Alert color="orange" icon={<IconTestPipe aria-hidden />} title={text.noMoney} role="note" maw={520}>
        {text.lead}
      </Alert>
      {payment !== undefined ? (
        <PaymentForm payment={payment} />
      ) : error !== null ? (
        <LoadError error={error} onRetry={refetch} />
      ) : (
        <Skeleton height={420} maw={520} radius="lg" />
      )}
    </Page>
  );
}

function PaymentForm({ payment }: { payment: DemoPayment }) {
  const { hold_id, description, amount, currency, state } = payment;
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }} maw={520} style={{ borderStyle: "dashed" }}>
      <Stack gap="md">
        <div>
          <Text style={{ overflowWrap: "anywhere" }}>{text.pays(description)}</Text>
          <Text fz={32} fw={800} lh={1.2} data-testid="amount">
            {formatMoney(amount, currency)}
          </Text>
        </div>
        <Divider />
        {state === "paid" ? (
          <>
            <Text role="status">{text.paid}</Text>
            <Button component={Link} to={checkoutPath(hold_id)} replace>
              {text.back}
            </Button>
          </>
        ) : (
          <Outcomes payment={payment} />
        )}
      </Stack>
    </Paper>
  );
}

function Outcomes({ payment }: { payment: DemoPayment }) {
  const navigate = useNavigate();
  const { mutate, isPending, isSuccess, variables, error } = useMutation({
    mutationFn: (outcome: DemoOutcome) => choose(payment.id, outcome),
    onSuccess: (_, outcome) =>
      void navigate(checkoutPath(payment.hold_id, outcome === "decline" ? "declined" : "sent"), { replace: true }),
  });
  const isDone = isPending || isSuccess;
  return (
    <>
      {payment.state === "declined" && <Text size="sm">{text.declined}</Text>}
      {error !== null && (
        <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} role="alert">
          {text.failed}
        </Alert>
      )}
      <Text fw={600} id="choose">
        {text.choose}
      </Text>
      <Stack gap="sm" role="group" aria-labelledby="choose">
        {OUTCOMES.map((outcome) => {
          const { label, hint } = text.outcomes[outcome];
          return (
            <Stack key={outcome} gap={4}>
              <Button
                variant={outcome === "pay" ? "filled" : "default"}
                loading={isDone && variables === outcome}
                disabled={isDone && variables !== outcome}
                aria-describedby={`hint-${outcome}`}
                onClick={() => mutate(outcome)}
              >
                {label}
              </Button>
              <Text size="sm" c="dimmed" id={`hint-${outcome}`}>
                {hint}
              </Text>
            </Stack>
          );
        })}
      </Stack>
      <Button component={Link} to={checkoutPath(payment.hold_id)} replace variant="subtle" color="gray">
        {text.back}
      </Button>
    </>
  );
}
