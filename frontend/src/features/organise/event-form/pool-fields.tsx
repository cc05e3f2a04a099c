import { ActionIcon, Box, Button, Checkbox, Fieldset, Group, Input, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useRef } from "react";
import { flushSync } from "react-dom";

import { normaliseNumber } from "./event-values";
import { NumberField } from "./number-field";
import classes from "./pool-fields.module.css";
import { categoriesOf, newPool, type PoolValues } from "./pool-values";
import { eventFormText } from "./strings";
import type { EventForm } from "./use-event-form";
import { MOST_POOLS, seatsTaken } from "./validate-event";

const text = eventFormText.pool;

interface Props {
  form: EventForm;
  /** Seats taken, by the id of the category. */
  taken: Readonly<Record<string, number>>;
}

/** Capacities that categories share. */
export function PoolFields({ form, taken }: Props) {
  const { pools } = form.values;
  const error = form.errors.pools;
  const addButton = useRef<HTMLButtonElement>(null);
  const add = () => {
    flushSync(() => form.insertListItem("pools", newPool()));
    form.getInputNode(`pools.${pools.length}.name`)?.focus();
  };
  const remove = (index: number) => {
    form.removeListItem("pools", index);
    addButton.current?.focus();
  };

  return (
    <Fieldset legend={eventFormText.sections.pools} radius="lg">
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {text.hint}
        </Text>
        {pools.map((pool, index) => (
          <Pool key={pool.key} form={form} taken={taken} pool={pool} index={index} onRemove={() => remove(index)} />
        ))}
        {error !== undefined && error !== null && <Input.Error role="alert">{error}</Input.Error>}
        <Group>
          <Button
            ref={addButton}
            variant="light"
            leftSection={<IconPlus size={18} aria-hidden />}
            disabled={pools.length >= MOST_POOLS}
            onClick={add}
          >
            {text.add}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}

interface PoolProps extends Props {
  pool: PoolValues;
  index: number;
  onRemove: () => void;
}

function Pool({ form, taken, pool, index, onRemove }: PoolProps) {
  const path = `pools.${index}`;
  const notes = describeSeats(form, pool, taken);
  return (
    <Box role="group" aria-label={text.legend(index + 1)} className={classes.pool ?? ""}>
      <TextInput
        className={classes.name ?? ""}
        label={text.name}
        maxLength={200}
        {...form.getInputProps(`${path}.name`)}
      />
      <NumberField form={form} path={`${path}.capacity`} plain={normaliseNumber} label={text.capacity} />
      <ActionIcon
        className={classes.remove ?? ""}
        variant="subtle"
        color="gray"
        size={36}
        aria-label={text.remove(pool.name)}
        onClick={onRemove}
      >
        <IconTrash size={20} aria-hidden />
      </ActionIcon>
      <SharedCategories form={form} pool={pool} path={`${path}.categories`} />
      {notes !== "" && (
        <Text size="xs" c="dimmed" className={classes.row ?? ""}>
          {notes}
        </Text>
      )}
    </Box>
  );
}

/** The categories to choose from. One that is in another pool can't be chosen, and says where it is. */
function SharedCategories({ form, pool, path }: { form: EventForm; pool: PoolValues; path: string }) {
  const { categories, pools } = form.values;
  const choices = categories.map(({ key, name }, index) => {
    const label = name.trim() === "" ? eventFormText.category.legend(index + 1) : name;
    const other = pools.findIndex((one) => one.key !== pool.key && one.categories.includes(key));
    if (other < 0) return { key, label, isElsewhere: false };
    const where = pools[other]?.name.trim() ?? "";
    return { key, label: text.inAnother(label, where === "" ? text.legend(other + 1) : where), isElsewhere: true };
  });
  const first = choices.find(({ isElsewhere }) => !isElsewhere)?.key;
  return (
    <Checkbox.Group
      className={classes.row ?? ""}
      label={text.categories}
      value={pool.categories}
      error={form.errors[path]}
      onChange={(keys) => form.setFieldValue(path, keys)}
    >
      <Group className={classes.categories ?? ""} mt={6} mb={4}>
        {choices.map(({ key, label, isElsewhere }) => (
          <Checkbox
            key={key}
            value={key}
            label={label}
            disabled={isElsewhere}
            classNames={{ root: classes.category ?? "", label: classes.label ?? "" }}
            {...(key === first ? { "data-path": path } : {})}
          />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

/** The seats taken of a pool, and whether it limits anything. */
function describeSeats(form: EventForm, pool: PoolValues, taken: Props["taken"]): string {
  const shared = categoriesOf(pool, form.values.categories);
  if (shared.length === 0) return pool.id === null ? "" : text.isEmpty;
  const seats = seatsTaken(shared, taken);
  const [own, capacity] = [
    shared.reduce((sum, category) => sum + numberOf(category.capacity), 0),
    numberOf(pool.capacity),
  ];
  return [
    ...(seats > 0 ? [eventFormText.category.taken(seats)] : []),
    ...(own > 0 && own <= capacity ? [text.limitsNothing(own)] : []),
  ].join(" · ");
}

/** NaN: not a number, or none yet. */
function numberOf(typed: string | number): number {
  return typed === "" ? NaN : Number(normaliseNumber(typed));
}
