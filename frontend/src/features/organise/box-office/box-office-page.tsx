import { Alert, Button, Fieldset, Group, Paper, SegmentedControl, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Category, Event } from "@/shared/api/generated/model";
import { NewTabSignIn } from "@/shared/feedback/new-tab-sign-in";
import { formatMoney, sumLines } from "@/shared/formatting/money";
import { focusFirstInvalid } from "@/shared/forms/focus-first-invalid";
import { QuantityField } from "@/shared/forms/quantity-field";
import { useSeats } from "@/shared/live/seat-store";
import { limitInPool, sharingNotes } from "@/shared/live/shared-seats";
import { isSoldOnlyWithCode } from "@/shared/orders/needs-code";
import { PromoCodeField } from "@/shared/orders/promo-code-field";
import { usePromoCode } from "@/shared/orders/use-promo-code";
import { aboutQuery } from "@/shared/queries/about-query";
import { promoCodesText } from "@/shared/strings/promo-codes";
import { useNow } from "@/shared/time/use-now";

import { ClosedEvent, useEvent } from "../event-layout/event-layout";
import { CompletedSale } from "./completed-sale";
import { boxOfficeText } from "./strings";
import { useSale } from "./use-sale";

const text = boxOfficeText;

export function BoxOfficePage() {
  const event = useEvent();
  return event.status === "active" ? <SaleForm event={event} /> : <ClosedEvent event={event} status={event.status} />;
}

interface Values {
  to: "walk-in" | "named";
  name: string;
  email: string;
}

const CHECKS = {
  name: (value: string, { to }: Values) => (to === "named" && value.trim() === "" ? text.required : null),
  email: (value: string, { to }: Values) =>
    to === "named" && !/^\S+@\S+$/.test(value.trim()) ? text.invalidEmail : null,
};

function SaleForm({ event }: { event: Event }) {
  const [chosen, setChosen] = useState<Record<string, number>>({});
  const [isEmpty, setIsEmpty] = useState(false);
  const form = useForm<Values>({
    initialValues: { to: "walk-in", name: "", email: "" },
    validate: CHECKS,
    validateInputOnBlur: true,
  });
  const { sell, sold, next, problem, codeProblem, forgetCodeProblem, ...sale } = useSale(event, form.setErrors);
  const { isSelling, isFixed, isSignedOut } = sale;
  const promo = usePromoCode("", forgetCodeProblem);
  const hasCode = promo.code !== "";
  const lines = event.categories
    .map((category) => ({ ...category, quantity: chosen[category.id] ?? 0 }))
    .filter(({ quantity }) => quantity > 0);
  const quantity = lines.reduce((all, line) => all + line.quantity, 0);
  const isNamed = form.values.to === "named";
  const { data: about } = useQuery(aboutQuery());
  const notes = sharingNotes(event, useSeats(event));

  const submit = form.onSubmit(({ name, email }, submitted) => {
    if (Object.values(chosen).some(Number.isNaN)) {
      if (submitted !== undefined) focusFirstInvalid(submitted.currentTarget);
      return;
    }
    setIsEmpty(quantity === 0);
    if (quantity === 0) return;
    sell({
      tickets: lines.map((line) => ({ category: line.id, quantity: line.quantity })),
      // What a promo code takes off is known to the server.
      ...(hasCode ? { code: promo.code } : { expected_total: sumLines(lines) }),
      ...(isNamed ? { customer: { name: name.trim(), email: email.trim() } } : {}),
    });
  });
  const sellToNext = () => {
    setChosen({});
    form.reset();
    promo.remove();
    next();
  };

  if (sold !== null) return <CompletedSale sale={sold} event={event} onNext={sellToNext} />;
  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} maw={720}>
      <form onSubmit={submit} noValidate>
        <Stack gap="lg">
          <Title order={2} size="h3">
            {text.title}
          </Title>
          <Stack gap="sm">
            {event.categories.map((category) => (
              <Line
                key={category.id}
                category={category}
                event={event}
                chosen={chosen}
                isFixed={isFixed}
                onChange={(value) => {
                  setIsEmpty(false);
                  setChosen({ ...chosen, [category.id]: value });
                }}
              />
            ))}
            {notes.map((note) => (
              <Text key={note} size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {note}
              </Text>
            ))}
          </Stack>
          <Fieldset legend={text.to} variant="unstyled">
            <Stack gap="sm" mt={6}>
              <SegmentedControl
                w="fit-content"
                aria-label={text.to}
                readOnly={isFixed}
                data={[
                  { value: "walk-in", label: text.walkIn },
                  { value: "named", label: text.named },
                ]}
                {...form.getInputProps("to")}
              />
              <Text size="sm" c="dimmed">
                {isNamed ? (about?.has_mail === false ? text.namedHintWithoutMail : text.namedHint) : text.walkInHint}
              </Text>
              {isNamed && (
                <Group align="flex-start" grow preventGrowOverflow={false} wrap="wrap">
                  <TextInput
                    label={text.name}
                    autoComplete="off"
                    readOnly={isFixed}
                    maxLength={200}
                    miw={220}
                    {...form.getInputProps("name")}
                  />
                  <TextInput
                    label={text.email}
                    type="email"
                    autoComplete="off"
                    readOnly={isFixed}
                    maxLength={254}
                    miw={220}
                    {...form.getInputProps("email")}
                  />
                </Group>
              )}
            </Stack>
          </Fieldset>
          {(event.has_codes || promo.isOpen || codeProblem !== null) && (
            <PromoCodeField promo={promo} problem={codeProblem} isFixed={isFixed} />
          )}
          {(problem !== null || isEmpty) && (
            <Alert color={isEmpty ? "yellow" : "red"} icon={<IconAlertTriangle aria-hidden />} role="alert">
              {isEmpty ? text.nothingChosen : problem} {isSignedOut && !isEmpty && <NewTabSignIn />}
            </Alert>
          )}
          <Group justify="space-between">
            <Text fw={650} fz="lg">
              {hasCode ? promoCodesText.totalWithout : text.total} {formatMoney(sumLines(lines), event.currency)}
            </Text>
            <Button type="submit" size="md" loading={isSelling}>
              {text.sell(quantity)}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

interface LineProps {
  category: Category;
  event: Event;
  /** By category id. */
  chosen: Readonly<Record<string, number>>;
  isFixed: boolean;
  onChange: (value: number) => void;
}

function Line({ category, event, chosen, isFixed, onChange }: LineProps) {
  const seats = useSeats(event);
  const available = seats.categories[category.name] ?? category.available;
  const shared = limitInPool(event, seats, chosen, category.id);
  const now = useNow();
  return (
    <QuantityField
      category={category.name}
      value={chosen[category.id] ?? 0}
      max={Math.min(available, shared.most)}
      overMax={shared.most < available ? shared.overMost : text.onlyLeft(available)}
      isFixed={isFixed}
      onChange={onChange}
    >
      <Text fw={600} style={{ overflowWrap: "anywhere" }}>
        {category.name}
      </Text>
      <Text size="sm" c="dimmed">
        {formatMoney(category.price, event.currency)} · {text.left(available)}
      </Text>
      {isSoldOnlyWithCode(category, now) && (
        <Text size="sm" c="dimmed">
          {text.needsCodeOnline}
        </Text>
      )}
    </QuantityField>
  );
}
