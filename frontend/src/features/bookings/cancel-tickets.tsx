import { Alert, Button, Checkbox, Fieldset, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";

import type { Booking, Event } from "@/shared/api/generated/model";
import { Dialog } from "@/shared/feedback/dialog";
import { isFree, money, total } from "@/shared/formatting/money";
import { useNow } from "@/shared/time/use-now";

import { bookings } from "./strings";
import { useCancel } from "./use-cancel";

const text = bookings.cancel;

/** Cancels all or some of a booking's tickets, while that is possible. */
export function CancelTickets({ booking, event }: { booking: Booking; event: Event }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const now = useNow();
  const isActive = booking.tickets.some(({ status }) => status === "active");

  if (!isActive || event.status !== "active") return null;
  const late = whyTooLate(event, now);
  if (late !== null) return <Text c="dimmed">{late}</Text>;
  return (
    <>
      <Button variant="light" color="red" onClick={open}>
        {text.action}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.title} closeLabel={text.keep}>
        <Choose booking={booking} onDone={close} />
      </Dialog>
    </>
  );
}

/** Why tickets can't be given back any more; null: they can. For an open date it is as long as sales go on. */
function whyTooLate({ starts_at, past_at, sales_close_at }: Event, now: number): string | null {
  const until = starts_at === null ? sales_close_at : past_at;
  if (until === null || now < Date.parse(until)) return null;
  return until === starts_at ? text.tooLate : text.salesOver;
}

function Choose({ booking, onDone }: { booking: Booking; onDone: () => void }) {
  const active = booking.tickets.filter(({ status }) => status === "active");
  const [chosen, setChosen] = useState<string[]>([]);
  const those = active.filter(({ id }) => chosen.includes(id));
  const refund = refundOf(booking, those);
  const { cancel, isSending, problem } = useCancel(booking, () => {
    notifications.show({ message: text.done(those.length) });
    onDone();
  });

  return (
    <Stack gap="md">
      <Fieldset legend={text.which} variant="unstyled" m={0} styles={{ legend: { padding: 0 } }}>
        <Stack gap="sm" mt="xs">
          {active.length > 1 && (
            <Checkbox
              label={text.all}
              fw={600}
              checked={those.length === active.length}
              indeterminate={those.length > 0 && those.length < active.length}
              onChange={({ currentTarget }) => setChosen(currentTarget.checked ? active.map(({ id }) => id) : [])}
            />
          )}
          <Checkbox.Group value={chosen} onChange={setChosen}>
            <Stack gap="xs">
              {booking.tickets.map(
                (ticket, index) =>
                  ticket.status === "active" && (
                    <Checkbox key={ticket.id} value={ticket.id} label={text.ticket(index + 1, ticket.category)} />
                  ),
              )}
            </Stack>
          </Checkbox.Group>
        </Stack>
      </Fieldset>
      <Text size="sm" role="status">
        {those.length === 0 ? text.nothingChosen : refund === null ? text.free : text.refund(refund)}
      </Text>
      {problem !== null && (
        <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} role="alert">
          {text.problems[problem] ?? text.problems.other}
        </Alert>
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onDone}>
          {text.keep}
        </Button>
        <Button
          color="red"
          loading={isSending}
          disabled={those.length === 0}
          onClick={() => cancel(those.map(({ id }) => id))}
        >
          {text.confirm(those.length, refund)}
        </Button>
      </Group>
    </Stack>
  );
}

/** What comes back for these tickets, as it is written; null for nothing. A booking has one price a category, in its lines. */
function refundOf(booking: Booking, those: Booking["tickets"]): string | null {
  const price = new Map(booking.lines.map(({ category, unit_price }) => [category, unit_price]));
  const refund = total(those.map(({ category }) => ({ price: price.get(category) ?? "0", quantity: 1 })));
  return isFree(refund) ? null : money(refund, booking.currency);
}
