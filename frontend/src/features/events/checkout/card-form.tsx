import { Alert, Box, Button, Skeleton, Stack, Text, useComputedColorScheme, useMantineTheme } from "@mantine/core";
import { IconCreditCardOff, IconPlugConnectedX } from "@tabler/icons-react";
import type { PaymentIntentResult, Stripe, StripeCardElement } from "@stripe/stripe-js";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";

import type { CardForm as Form } from "@/shared/api/generated/model";
import { queryKey } from "@/shared/queries/query-key";

import { eventsText } from "../strings";
import classes from "./card-form.module.css";
import { loadCardForm } from "./load-card-form";
import { checkoutText } from "./strings";

const text = checkoutText.pay.card;

interface Props {
  form: Form;
  /** What the button says. */
  action: string;
  /** Called once the money was taken. */
  onPaid: () => void;
}

/** The provider's own fields for a card: their numbers never reach Seatledger. */
export function CardForm({ form, action, onPaid }: Props) {
  const {
    data: stripe,
    error,
    refetch,
  } = useQuery({
    queryKey: queryKey("card-form", form.publishable_key),
    queryFn: () => loadCardForm(form),
    staleTime: Infinity,
    structuralSharing: false,
  });
  if (error !== null) {
    return (
      <Alert color="orange" icon={<IconPlugConnectedX aria-hidden />} title={text.notLoaded.title} role="alert">
        <Stack align="flex-start" gap="sm">
          <Text size="sm">{text.notLoaded.text}</Text>
          <Button size="xs" variant="default" onClick={() => void refetch()}>
            {eventsText.tryAgain}
          </Button>
        </Stack>
      </Alert>
    );
  }
  if (stripe === undefined) return <Skeleton height={96} radius="md" />;
  return <Fields stripe={stripe} clientSecret={form.client_secret} action={action} onPaid={onPaid} />;
}

interface FieldsProps extends Omit<Props, "form"> {
  stripe: Stripe;
  clientSecret: string;
}

function Fields({ stripe, clientSecret, action, onPaid }: FieldsProps) {
  const label = useId();
  const place = useRef<HTMLDivElement>(null);
  const card = useRef<StripeCardElement>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isSending, setIsSending] = useState(false);
  const theme = useMantineTheme();
  const isDark = useComputedColorScheme() === "dark";

  const base = {
    color: isDark ? theme.colors.dark[0] : theme.black,
    iconColor: isDark ? theme.colors.dark[2] : theme.colors.gray[6],
    fontSize: "16px",
    "::placeholder": { color: isDark ? theme.colors.dark[3] : theme.colors.gray[6] },
  };
  const style = useRef({ base });
  useEffect(() => {
    style.current = { base };
    // What was typed stays. A stand-in can't do it.
    if (card.current !== null && "update" in card.current) card.current.update({ style: style.current });
  });
  useEffect(() => {
    if (place.current === null) return;
    const element = stripe.elements().create("card", { hidePostalCode: true, style: style.current });
    element.mount(place.current);
    card.current = element;
    return () => {
      card.current = null;
      element.destroy();
    };
  }, [stripe]);

  const pay = async () => {
    if (card.current === null) return;
    setIsSending(true);
    setRefusal(null);
    const told = await stripe
      .confirmCardPayment(clientSecret, { payment_method: { card: card.current } })
      .catch((): PaymentIntentResult => ({ error: { type: "api_connection_error", message: text.unknown } }));
    setIsSending(false);
    const { error, paymentIntent } = told;
    const isTaken = paymentIntent?.status === "succeeded" || paymentIntent?.status === "processing";
    if (isTaken || error?.code === "payment_intent_unexpected_state") onPaid();
    else setRefusal(error?.message ?? text.refused);
  };

  return (
    <form
      onSubmit={(submit) => {
        submit.preventDefault();
        void pay();
      }}
      noValidate
    >
      <Stack gap="sm">
        <Text id={label} size="sm" fw={500}>
          {text.label}
        </Text>
        <Box ref={place} role="group" aria-labelledby={label} className={classes.card ?? ""} />
        {refusal !== null && (
          <Alert color="orange" icon={<IconCreditCardOff aria-hidden />} title={text.notPaid} role="alert">
            {refusal}
          </Alert>
        )}
        <Button type="submit" size="md" loading={isSending}>
          {action}
        </Button>
        <Text size="sm" c="dimmed" ta="center">
          {text.hint}
        </Text>
      </Stack>
    </form>
  );
}
