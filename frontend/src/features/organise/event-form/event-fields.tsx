import {
  Alert,
  Fieldset,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Textarea,
  TextInput,
  type OptionsFilter,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { DateTimeField } from "@/shared/forms/date-time-field";
import { aboutQuery } from "@/shared/queries/about-query";
import { listTimeZones } from "@/shared/time/wall-clock";

import { CategoryFields } from "./category-fields";
import { guestCheckoutOf, normaliseNumber, type TimeName } from "./event-values";
import { NumberField } from "./number-field";
import { PaymentFields } from "./payment-fields";
import { PoolFields } from "./pool-fields";
import { eventFormText as text } from "./strings";
import type { EventForm } from "./use-event-form";
import { sellsAfterStart } from "./validate-event";

interface Props {
  form: EventForm;
  /** Seats taken, by the id of the category. */
  taken: Readonly<Record<string, number>>;
  isNew: boolean;
}

export function EventFields({ form, taken, isNew }: Props) {
  const { date } = form.values;
  const zones = useMemo(() => listTimeZones(), []);
  const currencies = useMemo(() => Intl.supportedValuesOf("currency"), []);
  return (
    <Stack gap="xl">
      <Fieldset legend={text.sections.about} radius="lg">
        <Stack gap="md">
          <TextInput label={text.name} withAsterisk maxLength={200} {...form.getInputProps("name")} />
          <TextInput label={text.venue} maxLength={200} {...form.getInputProps("venue")} />
          <Textarea
            label={text.description}
            description={text.descriptionHint}
            autosize
            minRows={3}
            maxRows={12}
            maxLength={10_000}
            {...form.getInputProps("description")}
          />
        </Stack>
      </Fieldset>
      <Fieldset legend={text.sections.when} radius="lg">
        <Stack gap="md">
          <Select
            label={text.timezone}
            description={text.timezoneHint}
            withAsterisk
            searchable
            limit={100}
            allowDeselect={false}
            data={zones.map((zone) => ({ value: zone, label: zoneLabel(zone) }))}
            filter={findZones}
            {...form.getInputProps("timezone")}
          />
          <Radio.Group label={text.date} withAsterisk {...form.getInputProps("date")}>
            <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
              <Radio value="set" label={text.dates.set.label} description={text.dates.set.hint} />
              <Radio value="open" label={text.dates.open.label} description={text.dates.open.hint} />
            </SimpleGrid>
          </Radio.Group>
          {date === "set" && (
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <EventTimeField form={form} name="starts_at" isNeeded />
              <EventTimeField form={form} name="ends_at" />
              <EventTimeField form={form} name="show_at" hint={text.showHint} />
            </SimpleGrid>
          )}
        </Stack>
      </Fieldset>
      <Fieldset legend={text.sections.sales} radius="lg">
        <Stack gap="md">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <EventTimeField form={form} name="sales_open_at" hint={text.salesOpenHint} />
            <EventTimeField
              form={form}
              name="sales_close_at"
              hint={text.salesCloseHint[sellsAfterStart(form.values) ? "late" : date]}
            />
            <NumberField
              form={form}
              path="max_tickets_per_customer"
              plain={normaliseNumber}
              label={text.max_tickets_per_customer}
              description={text.limitHint}
            />
            <NumberField
              form={form}
              path="hold_minutes"
              plain={normaliseNumber}
              label={text.hold_minutes}
              description={text.holdHint}
            />
            <Select
              label={text.currency}
              description={text.currencyHint}
              searchable
              limit={200}
              allowDeselect={false}
              disabled={!isNew}
              data={currencies}
              {...form.getInputProps("currency")}
            />
          </SimpleGrid>
          <GuestCheckoutField form={form} />
          <PaymentFields form={form} isNew={isNew} />
        </Stack>
      </Fieldset>
      <CategoryFields form={form} taken={taken} />
      <PoolFields form={form} taken={taken} />
    </Stack>
  );
}

/** How people without an account book. What a limit per customer rules out can't be chosen. */
function GuestCheckoutField({ form }: { form: EventForm }) {
  const { data: about } = useQuery(aboutQuery());
  const isLimited = form.values.max_tickets_per_customer !== "";
  return (
    <Radio.Group
      label={text.guest_checkout}
      {...form.getInputProps("guest_checkout")}
      value={guestCheckoutOf(form.values)}
    >
      <SimpleGrid cols={{ base: 1, sm: 3 }} mt="xs">
        {(["open", "proven", "off"] as const).map((value) => {
          const isRuledOut = value === "open" && isLimited;
          const { label, hint } = text.guests[value];
          return (
            <Radio
              key={value}
              value={value}
              label={label}
              description={isRuledOut ? text.guests.limited : hint}
              disabled={isRuledOut}
            />
          );
        })}
      </SimpleGrid>
      {guestCheckoutOf(form.values) === "proven" && about?.has_mail === false && (
        <Alert color="yellow" mt="sm" role="status">
          {text.guests.withoutMail}
        </Alert>
      )}
    </Radio.Group>
  );
}

const zoneLabel = (zone: string) => zone.replaceAll("_", " ");

/** Matches any part of the displayed or IANA name: "new york", "America/New_York". */
const findZones: OptionsFilter = ({ options, search }) => {
  const wanted = zoneLabel(search.trim()).toLowerCase();
  return options.filter((option) => "label" in option && option.label.toLowerCase().includes(wanted));
};

interface MomentProps {
  form: EventForm;
  name: TimeName;
  hint?: string;
  isNeeded?: boolean;
}

function EventTimeField({ form, name, hint, isNeeded = false }: MomentProps) {
  return (
    <DateTimeField
      label={text[name]}
      {...(hint === undefined ? {} : { description: hint })}
      withAsterisk={isNeeded}
      clearable={!isNeeded}
      {...form.getInputProps(name)}
    />
  );
}
