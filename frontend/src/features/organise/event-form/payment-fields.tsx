import { Checkbox, Radio, SimpleGrid, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { PaymentMethod } from "@/shared/api/generated/model";
import { aboutQuery } from "@/shared/queries/about-query";

import { eventFormText as text } from "./strings";
import type { EventForm } from "./use-event-form";

/** How bookings are paid: elsewhere, or by some of the methods of this installation. */
export function PaymentFields({ form, isNew }: { form: EventForm; isNew: boolean }) {
  const { payment } = form.values;
  const { data: about } = useQuery(aboutQuery());
  const offered = about?.payment_methods ?? [];
  // What the event has stays visible, even if this installation has lost it.
  const methods = [...offered, ...(payment ?? []).filter((method) => !offered.includes(method))];
  const set = (chosen: readonly string[] | null) =>
    form.setFieldValue("payment", chosen && methods.filter((method) => chosen.includes(method)));
  const path = (form.getInputProps("payment") as { "data-path"?: string })["data-path"];
  const usual: PaymentMethod[] = ["box_office"];
  return (
    <Stack gap="md">
      <Radio.Group
        label={text.payment}
        {...(isNew ? {} : { description: text.payments.editHint })}
        value={payment === null ? "elsewhere" : "here"}
        onChange={(way) => set(way === "elsewhere" ? null : usual)}
      >
        <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
          {(["elsewhere", "here"] as const).map((way) => (
            <Radio key={way} value={way} label={text.payments[way].label} description={text.payments[way].hint} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      {payment !== null && (
        <Checkbox.Group label={text.methods.label} value={payment} onChange={set} error={form.errors.payment}>
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
            {methods.map((method, index) => (
              <Checkbox
                key={method}
                {...(index === 0 ? { "data-path": path } : {})}
                value={method}
                label={text.methods[method].label}
                description={text.methods[method].hint}
              />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
      )}
    </Stack>
  );
}
