import { ActionIcon, Box, Button, Fieldset, Group, Input, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";

import classes from "./category-fields.module.css";
import { newCategory, normaliseNumber, normalisePrice } from "./event-values";
import { NumberField } from "./number-field";
import { eventFormText } from "./strings";
import type { EventForm } from "./use-event-form";

const text = eventFormText.category;

interface Props {
  form: EventForm;
  taken: Readonly<Record<string, number>>;
}

export function CategoryFields({ form, taken }: Props) {
  const { categories, currency } = form.values;
  const error = form.errors.categories;

  return (
    <Fieldset legend={eventFormText.sections.categories} radius="lg">
      <Stack gap="md">
        {categories.map(({ key, id, name }, index) => {
          const seats = id === null ? 0 : (taken[id] ?? 0);
          const path = `categories.${index}`;
          return (
            <Box key={key} role="group" aria-label={text.legend(index + 1)} className={classes.category ?? ""}>
              <TextInput
                className={classes.name ?? ""}
                label={text.name}
                maxLength={200}
                {...form.getInputProps(`${path}.name`)}
              />
              <NumberField
                form={form}
                path={`${path}.price`}
                plain={(typed) => normalisePrice(typed, currency)}
                label={`${text.price} (${currency})`}
                inputMode="decimal"
              />
              <NumberField form={form} path={`${path}.capacity`} plain={normaliseNumber} label={text.capacity} />
              <ActionIcon
                className={classes.remove ?? ""}
                variant="subtle"
                color="gray"
                size={36}
                aria-label={text.remove(name)}
                disabled={categories.length === 1 || seats > 0}
                onClick={() => form.removeListItem("categories", index)}
              >
                <IconTrash size={20} aria-hidden />
              </ActionIcon>
              {seats > 0 && (
                <Text size="xs" c="dimmed" className={classes.note ?? ""}>
                  {text.taken(seats)} · {text.priceHint}
                </Text>
              )}
            </Box>
          );
        })}
        {error !== undefined && error !== null && <Input.Error role="alert">{error}</Input.Error>}
        <Group>
          <Button
            variant="light"
            leftSection={<IconPlus size={18} aria-hidden />}
            disabled={categories.length >= 50}
            onClick={() => form.insertListItem("categories", newCategory())}
          >
            {text.add}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}
