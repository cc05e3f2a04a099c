import { Group, Text } from "@mantine/core";
import { IconCash } from "@tabler/icons-react";

import type { Event } from "@/shared/api/generated/model";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { isPaidAtBoxOffice } from "@/shared/payments/payable";

import { eventsText } from "./strings";

interface Props {
  event: Event;
  /** What the order costs; null: not known yet. */
  total: string | null;
}

/** Says before an order that it is paid at the box office; nothing where it costs nothing, or payment is taken elsewhere. */
export function BoxOfficeNotice({ event, total }: Props) {
  const text = eventsText.booking.boxOffice;
  if (!isPaidAtBoxOffice(event) || (total !== null && isFree(total))) return null;
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <IconCash size={22} stroke={1.6} aria-hidden style={{ flex: "none" }} />
      <Text size="sm">{total === null ? text.later : text.due(formatMoney(total, event.currency))}</Text>
    </Group>
  );
}
