import { ActionIcon, Group, Input, Stack, Text } from "@mantine/core";
import { IconMinus, IconPlus } from "@tabler/icons-react";
import { useId, useState, type KeyboardEvent, type ReactNode } from "react";

import { formsText } from "@/shared/strings/forms";

import { parseNumber } from "./parse-number";

const text = formsText.quantity;

/** The most seats that a category can have. */
const MOST = 1_000_000;

interface Props {
  category: string;
  /** What stands beside the field. */
  children: ReactNode;
  /** NaN: the entry is not a quantity. */
  value: number;
  /** The highest available quantity. A higher entry is kept, and the server decides. */
  max: number;
  /** Said about more than `max`. */
  overMax: string;
  /** It can be read, and not changed. */
  isFixed: boolean;
  onChange: (value: number) => void;
}

/** The quantity of one category: by typing, arrow keys or buttons. While it is typed, an entry is not changed; on leaving the field it is written as the number. */
export function QuantityField({ category, children, value, max, overMax, isFixed, onChange }: Props) {
  const [typed, setTyped] = useState(String(value));
  const id = useId();
  if (!Object.is(quantityOf(typed), value)) setTyped(String(value)); // changed by somebody else

  const current = Number.isNaN(value) ? 0 : value;
  const problem = Number.isNaN(value) ? text.wholeNumber(MOST) : value > max && value > 0 ? overMax : null;
  const mayIncrease = !isFixed && current < max;
  const mayDecrease = !isFixed && current > 0;
  const increase = () => onChange(current + 1);
  const decrease = () => onChange(Math.max(0, Math.min(current - 1, max)));
  const step = (event: KeyboardEvent) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    if (event.key === "ArrowUp" ? mayIncrease : mayDecrease) (event.key === "ArrowUp" ? increase : decrease)();
  };

  return (
    <Stack gap={4}>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <div style={{ minWidth: 0 }}>{children}</div>
        <Group gap={6} wrap="nowrap">
          <Step label={text.fewer(category)} icon={IconMinus} isEnabled={mayDecrease} onClick={decrease} />
          <Input
            w={64}
            inputMode="numeric"
            autoComplete="off"
            value={typed}
            readOnly={isFixed}
            error={problem !== null}
            withAria={false} // its own would drop the description
            aria-invalid={problem !== null}
            aria-label={text.tickets(category)}
            aria-describedby={problem === null ? undefined : id}
            styles={{ input: { textAlign: "center", fontWeight: 650 } }}
            onFocus={({ currentTarget }) => currentTarget.select()} // the next input replaces the number
            onKeyDown={step}
            onChange={({ currentTarget }) => {
              setTyped(currentTarget.value);
              onChange(quantityOf(currentTarget.value));
            }}
            onBlur={() => {
              if (!Number.isNaN(value)) setTyped(String(value));
            }}
          />
          <Step label={text.more(category)} icon={IconPlus} isEnabled={mayIncrease} onClick={increase} />
        </Group>
      </Group>
      <Text size="sm" c="var(--mantine-color-error)" ta="end" aria-live="polite" id={id}>
        {problem}
      </Text>
    </Stack>
  );
}

function Step(props: { label: string; icon: typeof IconPlus; isEnabled: boolean; onClick: () => void }) {
  return (
    <ActionIcon
      variant="default"
      size={36}
      radius="xl"
      aria-label={props.label}
      disabled={!props.isEnabled}
      onClick={props.onClick}
    >
      <props.icon size={16} aria-hidden />
    </ActionIcon>
  );
}

/** An empty field is 0. */
function quantityOf(typed: string): number {
  const { value, problem } = parseNumber(typed, 0);
  if (problem === "empty") return 0;
  return value === null || Number(value) > MOST ? NaN : Number(value);
}
