import { Text } from "@mantine/core";

import { formatMoney, isFree } from "@/shared/formatting/money";

interface Props {
  currency: string;
  /** What to say of an amount, and the amount. */
  notes: readonly (readonly [(amount: string) => string, string])[];
}

/** A line for each amount that is not 0. */
export function MoneyNotes({ currency, notes }: Props) {
  return notes.map(
    ([say, amount]) =>
      !isFree(amount) && (
        <Text key={say("")} size="xs" c="dimmed">
          {say(formatMoney(amount, currency))}
        </Text>
      ),
  );
}
