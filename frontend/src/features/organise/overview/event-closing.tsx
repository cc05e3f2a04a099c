import { Alert, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { useCancelEvent, useCompleteEvent } from "@/shared/api/generated/events/events";
import type { Event } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { Dialog } from "@/shared/feedback/dialog";
import { sumAmounts } from "@/shared/formatting/amounts";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { soldSeats, useSeats } from "@/shared/live/seat-store";
import { isPaidHere } from "@/shared/payments/payable";
import { postingsQuery } from "@/shared/payments/queries";

import { invalidateEvent, revenueQuery } from "../queries";
import { overviewText } from "./strings";
import { sumRevenue } from "./sum-revenue";

const text = overviewText;
const REASON_LENGTH = 10_000;

export function EventCancellation({ event }: { event: Event }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const [reason, setReason] = useState("");
  const { keyFor, done } = useCommandKey(`cancel event ${event.id}`);
  const { mutate, isPending, isSuccess } = useCancelEvent();
  const closing = useClosing(event, text.cancel.done, () => {
    done();
    close();
  });
  const send = () =>
    mutate(
      { eventId: event.id, data: { reason: reason.trim() }, headers: { "Idempotency-Key": keyFor(reason.trim()) } },
      closing.outcome,
    );

  return (
    <>
      <Button color="red" variant="light" onClick={open}>
        {text.cancel.button}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.cancel.title} closeLabel={text.cancel.keep}>
        <Stack>
          <CancellationCost event={event} />
          <Textarea
            label={text.cancel.reason}
            description={text.cancel.reasonHint}
            autosize
            minRows={2}
            maxLength={REASON_LENGTH}
            value={reason}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
          <Problem text={closing.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {text.cancel.keep}
            </Button>
            <Button color="red" loading={isPending || isSuccess} onClick={send}>
              {text.cancel.confirm}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}

function CancellationCost({ event }: { event: Event }) {
  const seats = useSeats(event);
  const { data: takings, isError } = useQuery(revenueQuery(event.id));
  const taken = soldSeats(event, seats);
  if (isPaidHere(event)) return <OwedCost event={event} taken={taken} />;
  if (taken === 0) return <Text>{text.cancel.nothingSold}</Text>;
  if (isError) return <Text>{text.cancel.unknownCost(taken)}</Text>;
  if (takings === undefined) return <Text>{text.cancel.counting}</Text>;
  return <Text>{text.cancel.costs(taken, formatMoney(sumRevenue(takings.items).net, event.currency))}</Text>;
}

/** What is owed if an event whose money Seatledger accounts for is cancelled: all that was paid and not paid back. */
function OwedCost({ event, taken }: { event: Event; taken: number }) {
  const { data: postings, isError } = useQuery(postingsQuery(event.id));
  if (isError) return <Text>{text.cancel.unknownCost(taken)}</Text>;
  if (postings === undefined) return <Text>{text.cancel.counting}</Text>;
  const cash = sumAmounts(postings.items.filter(({ account }) => account === "cash").map(({ amount }) => amount));
  return <Text>{text.cancel.owes(taken, isFree(cash) ? null : formatMoney(cash, event.currency))}</Text>;
}

export function EventCompletion({ event }: { event: Event }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const { keyFor, done } = useCommandKey(`complete event ${event.id}`);
  const { mutate, isPending, isSuccess } = useCompleteEvent();
  const closing = useClosing(event, text.complete.done, () => {
    done();
    close();
  });
  const send = () => mutate({ eventId: event.id, headers: { "Idempotency-Key": keyFor(null) } }, closing.outcome);

  return (
    <>
      <Button variant="default" onClick={open}>
        {text.complete.button}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.complete.title} closeLabel={text.complete.keep}>
        <Stack>
          <Text>{text.complete.text}</Text>
          <Problem text={closing.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {text.complete.keep}
            </Button>
            <Button loading={isPending || isSuccess} onClick={send}>
              {text.complete.confirm}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}

/** After the response: refreshes the event and shows a notification. */
function useClosing(event: Event, message: string, onDone: () => void) {
  const [problem, setProblem] = useState<string | null>(null);
  const queries = useQueryClient();
  const outcome = {
    onSuccess: () => {
      onDone();
      notifications.show({ message });
      void invalidateEvent(queries, event.id);
    },
    onError: (error: unknown) => {
      const isOver = isKind(error, "already-cancelled", "event-not-bookable");
      setProblem(isOver ? text.already : text.failed);
      if (isOver) void invalidateEvent(queries, event.id);
    },
  };
  return { problem, outcome };
}

function Problem({ text: why }: { text: string | null }) {
  return why === null ? null : (
    <Alert color="red" role="alert">
      {why}
    </Alert>
  );
}
