import { Alert, Button, Checkbox, Fieldset, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";

import type { Booking, Event } from "@/shared/api/generated/model";
import { Dialog } from "@/shared/feedback/dialog";
import { useNow } from "@/shared/time/use-now";

import { describeOutcome } from "./cancellation-outcome";
import { bookingsText } from "./strings";
import { useTicketCancellation, type Canceller } from "./use-ticket-cancellation";

const text = bookingsText.cancel;

interface Props {
  booking: Booking;
  event: Event;
  canceller: Canceller;
}

/** Cancels all or some tickets of a booking, while that is possible. */
export function TicketCancellation({ booking, event, canceller }: Props) {
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
        <CancellationForm booking={booking} canceller={canceller} onDone={close} />
      </Dialog>
    </>
  );
}

/** Why a customer can no longer cancel; null if they can. For an open date they can while sales are open. */
function whyTooLate({ starts_at, past_at, sales_close_at }: Event, now: number): string | null {
  const until = starts_at === null ? sales_close_at : past_at;
  if (until === null || now < Date.parse(until)) return null;
  return until === starts_at ? text.tooLate : text.salesOver;
}

interface FormProps {
  booking: Booking;
  canceller: Canceller;
  onDone: () => void;
}

function CancellationForm({ booking, canceller, onDone }: FormProps) {
  const active = booking.tickets.filter(({ status }) => status === "active");
  const [chosen, setChosen] = useState<string[]>([]);
  const selected = active.filter(({ id }) => chosen.includes(id));
  const { sentence, refund } = describeOutcome(booking, selected);
  const { cancel, isSending, problem } = useTicketCancellation(booking, canceller, () => {
    notifications.show({ message: text.done(selected.length) });
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
              checked={selected.length === active.length}
              indeterminate={selected.length > 0 && selected.length < active.length}
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
        {selected.length === 0 ? text.nothingChosen : sentence}
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
          disabled={selected.length === 0}
          onClick={() => cancel(selected.map(({ id }) => id))}
        >
          {text.confirm(selected.length, refund)}
        </Button>
      </Group>
    </Stack>
  );
}
