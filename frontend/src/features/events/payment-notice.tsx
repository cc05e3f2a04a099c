import { Group, Text } from "@mantine/core";
import { IconCash, IconCreditCard } from "@tabler/icons-react";

import type { Event } from "@/shared/api/generated/model";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { isPaidAtBoxOffice, isPaidHere, onlineMethodsOf } from "@/shared/payments/payable";

import { eventsText } from "./strings";

interface Props {
  event: Event;
  /** What the order costs; null: not known yet. */
  total: string | null;
}

/** Says before an order how it is paid; nothing where it costs nothing, or payment is taken elsewhere. */
export function PaymentNotice({ event, total }: Props) {
  if (!isPaidHere(event) || (total !== null && isFree(total))) return null;
  const NoticeIcon = onlineMethodsOf(event).length > 0 ? IconCreditCard : IconCash;
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <NoticeIcon size={22} stroke={1.6} aria-hidden style={{ flex: "none" }} />
      <Text size="sm">{describe(event, total)}</Text>
    </Group>
  );
}

function describe(event: Event, total: string | null): string {
  const { online, boxOffice } = eventsText.booking;
  if (onlineMethodsOf(event).length > 0) return isPaidAtBoxOffice(event) ? online.either : online.only;
  return total === null ? boxOffice.later : boxOffice.due(formatMoney(total, event.currency));
}
