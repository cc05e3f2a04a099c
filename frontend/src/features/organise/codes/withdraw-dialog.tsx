import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";

import { useWithdrawCodes } from "@/shared/api/generated/events/events";
import type { CodeSales, Event } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { Dialog } from "@/shared/feedback/dialog";

import { invalidateEvent } from "../queries";
import { categoriesOf } from "./describe-batch";
import { codesText } from "./strings";

const text = codesText.withdraw;

interface Props {
  event: Event;
  batch: CodeSales;
  isOpen: boolean;
  onClose: () => void;
  onDone: () => void;
}

/** Says what withdrawing a batch of promo codes does, and withdraws it. */
export function WithdrawDialog({ event, batch, isOpen, onClose, onDone }: Props) {
  const { keyFor, done } = useCommandKey(`withdraw codes ${batch.id}`);
  const queries = useQueryClient();
  const { mutate, isPending, error, reset } = useWithdrawCodes();
  const finish = async () => {
    done();
    await invalidateEvent(queries, event.id);
    notifications.show({ message: text.done });
    onDone();
  };
  const withdraw = () =>
    mutate(
      { eventId: event.id, batchId: batch.id, headers: { "Idempotency-Key": keyFor(null) } },
      {
        onSuccess: () => void finish(),
        onError: (error) => {
          if (isKind(error, "codes-already-withdrawn", "codes-not-found")) void finish(); // by somebody else, meanwhile
        },
      },
    );
  const close = () => {
    reset();
    onClose();
  };
  const isFailed = error !== null && !isKind(error, "codes-already-withdrawn", "codes-not-found");

  return (
    <Dialog isOpen={isOpen} onClose={close} title={text.title} closeLabel={text.keep}>
      <Stack>
        <Text style={{ overflowWrap: "anywhere" }}>
          {text.text(batch.code ?? text.many(batch.count, batch.prefix), batch.count)}
        </Text>
        {batch.effect === "access" && (
          <Text style={{ overflowWrap: "anywhere" }}>{text.access(categoriesOf(batch, event))}</Text>
        )}
        {isFailed && (
          <Alert color="red" role="alert">
            {isOutcomeUnknown(error) ? text.unknown : text.failed}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {text.keep}
          </Button>
          <Button color="red" loading={isPending} onClick={withdraw}>
            {text.confirm}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
