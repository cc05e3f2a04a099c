import { Fieldset, Select, SimpleGrid, Stack, Textarea, TextInput, type OptionsFilter } from "@mantine/core";
import { useMemo } from "react";

import { MomentField } from "@/shared/choosing/moment-field";
import { eventForm as text } from "@/shared/strings/event-form";
import { timeZones } from "@/shared/time/wall-clock";

import { CategoryFields } from "./category-fields";
import { plainNumber } from "./event-values";
import { TypedNumber } from "./typed-number";
import type { EventForm } from "./use-event-form";

interface Props {
  form: EventForm;
  /** Seats taken, by the id of the category. */
  taken: Readonly<Record<string, number>>;
  isNew: boolean;
}

export function EventFields({ form, taken, isNew }: Props) {
  const zones = useMemo(() => timeZones(), []);
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
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Moment form={form} name="starts_at" isNeeded />
            <Moment form={form} name="ends_at" />
          </SimpleGrid>
        </Stack>
      </Fieldset>
      <Fieldset legend={text.sections.sales} radius="lg">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Moment form={form} name="sales_open_at" hint={text.salesOpenHint} />
          <Moment form={form} name="sales_close_at" hint={text.salesCloseHint} />
          <TypedNumber
            form={form}
            path="max_tickets_per_customer"
            plain={plainNumber}
            label={text.max_tickets_per_customer}
            description={text.limitHint}
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
      </Fieldset>
      <CategoryFields form={form} taken={taken} />
    </Stack>
  );
}

const zoneLabel = (zone: string) => zone.replaceAll("_", " ");

/** By any part of its name, as it is shown or as IANA writes it: "new york", "America/New_York". */
const findZones: OptionsFilter = ({ options, search }) => {
  const wanted = zoneLabel(search.trim()).toLowerCase();
  return options.filter((option) => "label" in option && option.label.toLowerCase().includes(wanted));
};

interface MomentProps {
  form: EventForm;
  name: "starts_at" | "ends_at" | "sales_open_at" | "sales_close_at";
  hint?: string;
  isNeeded?: boolean;
}

function Moment({ form, name, hint, isNeeded = false }: MomentProps) {
  return (
    <MomentField
      label={text[name]}
      {...(hint === undefined ? {} : { description: hint })}
      withAsterisk={isNeeded}
      clearable={!isNeeded}
      {...form.getInputProps(name)}
    />
  );
}
