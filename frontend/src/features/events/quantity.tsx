import { ActionIcon, Group, NumberInput } from "@mantine/core";
import { IconMinus, IconPlus } from "@tabler/icons-react";

import { events } from "@/shared/strings/events";

interface Props {
  category: string;
  value: number;
  max: number;
  /** It can be read, and not changed. */
  isFixed: boolean;
  onChange: (value: number) => void;
}

/** How many tickets: typed, by arrow keys, or by a thumb. */
export function Quantity({ category, value, max, isFixed, onChange }: Props) {
  return (
    <Group gap={6} wrap="nowrap">
      <ActionIcon
        variant="default"
        size={36}
        radius="xl"
        aria-label={events.booking.fewer(category)}
        disabled={isFixed || value <= 0}
        onClick={() => onChange(value - 1)}
      >
        <IconMinus size={16} aria-hidden />
      </ActionIcon>
      <NumberInput
        w={56}
        hideControls
        allowDecimal={false}
        allowNegative={false}
        clampBehavior="strict"
        min={0}
        max={Math.max(max, value)}
        value={value}
        readOnly={isFixed}
        aria-label={events.booking.tickets(category)}
        styles={{ input: { textAlign: "center", fontWeight: 650 } }}
        onFocus={({ currentTarget }) => currentTarget.select()} // what is typed next takes its place
        onChange={(typed) => onChange(typeof typed === "number" ? typed : 0)}
      />
      <ActionIcon
        variant="default"
        size={36}
        radius="xl"
        aria-label={events.booking.more(category)}
        disabled={isFixed || value >= max}
        onClick={() => onChange(value + 1)}
      >
        <IconPlus size={16} aria-hidden />
      </ActionIcon>
    </Group>
  );
}
