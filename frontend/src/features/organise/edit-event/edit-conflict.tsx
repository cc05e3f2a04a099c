import { Badge, Button, Group, Paper, Radio, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import type { Event, GuestCheckout, PaymentMethod } from "@/shared/api/generated/model";
import { formatMoney } from "@/shared/formatting/money";
import { formatWallTime } from "@/shared/formatting/wall-times";
import { dateTimesText } from "@/shared/strings/date-times";

import { TIMES, valuesOf, type CategoryValues, type EventValues } from "../event-form/event-values";
import { categoriesOf, type Pooled } from "../event-form/pool-values";
import { eventFormText } from "../event-form/strings";
import classes from "./edit-conflict.module.css";
import { defaultSides, mergeEdits, type Difference, type Side } from "./merge-edits";
import { conflictText } from "./strings";

const text = conflictText;

interface Props {
  theirs: Event;
  mine: EventValues;
  differences: Difference[];
  /** The merged values, to be saved immediately or to be edited further. */
  onResolve: (values: EventValues, theirs: Event, isSaved: boolean) => void;
}

/** Shows a conflicting edit beside the user's own, field by field. */
export function EditConflict({ theirs, mine, differences, onResolve }: Props) {
  const [chosen, setChosen] = useState(() => defaultSides(differences));
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const chooseAll = (side: Side) => setChosen(Object.fromEntries(differences.map(({ path }) => [path, side])));
  const resolve = (isSaved: boolean) =>
    onResolve(mergeEdits(valuesOf(theirs), mine, differences, chosen), theirs, isSaved);

  return (
    <Stack gap="lg" maw={860}>
      <div role="alert">
        <Title order={2} ref={heading} tabIndex={-1} data-page-heading>
          {text.title}
        </Title>
        <Text c="dimmed" mt={4}>
          {text.text}
        </Text>
      </div>
      <Group>
        <Button variant="default" onClick={() => chooseAll("theirs")}>
          {text.allTheirs}
        </Button>
        <Button variant="default" onClick={() => chooseAll("mine")}>
          {text.allMine}
        </Button>
      </Group>
      {differences.map((difference) => (
        <Choice
          key={difference.path}
          difference={difference}
          currency={theirs.currency}
          value={chosen[difference.path] ?? "mine"}
          onChange={(side) => setChosen({ ...chosen, [difference.path]: side })}
        />
      ))}
      <Group>
        <Button size="md" onClick={() => resolve(true)}>
          {text.save}
        </Button>
        <Button size="md" variant="default" onClick={() => resolve(false)}>
          {text.back}
        </Button>
      </Group>
    </Stack>
  );
}

interface ChoiceProps {
  difference: Difference;
  currency: string;
  value: Side;
  onChange: (side: Side) => void;
}

function Choice({ difference, currency, value, onChange }: ChoiceProps) {
  const label = labelOf(difference);
  const { before, theirs, mine } = describeVersions(difference, currency);
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }}>
      <Radio.Group
        label={label}
        description={text.before(before)}
        value={value}
        onChange={(side) => onChange(side)}
        styles={{
          label: { fontWeight: 650, fontSize: "var(--mantine-font-size-md)" },
          description: { marginBottom: 10 },
        }}
      >
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Option side="theirs" label={text.theirs} content={theirs} />
          <Option side="mine" label={text.mine} content={mine} note={difference.isContested ? "" : text.unchanged} />
        </SimpleGrid>
      </Radio.Group>
    </Paper>
  );
}

function Option({ side, label, content, note = "" }: { side: Side; label: string; content: string; note?: string }) {
  return (
    <Radio.Card value={side} radius="md" p="md" className={classes.option ?? ""}>
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator />
        <div className={classes.text}>
          <Badge variant="light" color={side === "mine" ? "ledger" : "blue"} mb={6}>
            {label}
          </Badge>
          <Text className={classes.value ?? ""}>{content}</Text>
          {note !== "" && (
            <Text size="xs" c="dimmed">
              {note}
            </Text>
          )}
        </div>
      </Group>
    </Radio.Card>
  );
}

function labelOf(difference: Difference): string {
  if (difference.path === "pools") return eventFormText.sections.pools;
  if (!isCategory(difference)) return eventFormText[difference.path];
  const { mine, before, theirs } = difference;
  return `${eventFormText.sections.categories}: ${(before ?? theirs ?? mine)?.name ?? ""}`;
}

function isCategory(difference: Difference): difference is Difference & { path: `category ${string}` } {
  return difference.path.startsWith("category ");
}

/** The three versions of a field as text. */
function describeVersions(difference: Difference, currency: string): Record<"before" | Side, string> {
  if (isCategory(difference)) {
    const describe = (category: CategoryValues | undefined) =>
      category === undefined ? text.removed : asText(category, currency);
    return {
      before: describe(difference.before),
      theirs: describe(difference.theirs),
      mine: describe(difference.mine),
    };
  }
  if (difference.path === "pools") {
    const { before, theirs, mine } = difference;
    return { before: poolsAsText(before), theirs: poolsAsText(theirs), mine: poolsAsText(mine) };
  }
  const isTime = TIMES.some((name) => name === difference.path);
  const none = difference.path === "starts_at" ? dateTimesText.openDate : text.empty;
  const describe = (value: string) => {
    if (difference.path === "guest_checkout") return eventFormText.guests[value as GuestCheckout].label;
    if (difference.path === "payment") return describePayment(value);
    return value === "" ? none : isTime ? formatWallTime(value) : value;
  };
  return { before: describe(difference.before), theirs: describe(difference.theirs), mine: describe(difference.mine) };
}

/** `methods`: separated by commas; empty: payment is taken elsewhere. */
function describePayment(methods: string): string {
  if (methods === "") return eventFormText.payments.elsewhere.label;
  return methods
    .split(",")
    .map((method) => eventFormText.methods[method as PaymentMethod].label)
    .join(", ");
}

/** A line for each pool. */
function poolsAsText({ pools, categories }: Pooled): string {
  const lines = pools.map((pool) => {
    const names = categoriesOf(pool, categories).map(({ name }) => name);
    return text.pool(pool.name, pool.capacity, names);
  });
  return lines.length === 0 ? text.noPools : lines.join("\n");
}

function asText({ name, price, capacity }: CategoryValues, currency: string): string {
  return `${name}, ${formatMoney(String(price), currency)}, ${eventFormText.category.capacity}: ${capacity}`;
}
