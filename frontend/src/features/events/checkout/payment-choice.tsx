import { Radio, Stack } from "@mantine/core";

import type { PaymentMethod } from "@/shared/api/generated/model";

import { checkoutText } from "./strings";

const text = checkoutText.payment;

interface Props {
  ways: readonly PaymentMethod[];
  value: PaymentMethod | undefined;
  onChange: (way: PaymentMethod) => void;
  /** It can be read, and not changed. */
  isFixed: boolean;
}

/** How an order is paid, if that can be chosen. */
export function PaymentChoice({ ways, value, onChange, isFixed }: Props) {
  if (ways.length < 2) return null;
  return (
    <Radio.Group
      label={text.title}
      value={value ?? ""}
      onChange={(way) => onChange(way as PaymentMethod)}
      readOnly={isFixed}
    >
      <Stack gap="xs" mt="xs">
        {ways.map((way) => (
          <Radio key={way} value={way} label={text.ways[way].label} description={text.ways[way].hint} />
        ))}
      </Stack>
    </Radio.Group>
  );
}
