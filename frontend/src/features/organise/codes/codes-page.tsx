import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDiscount, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";

import type { CodeSales, MadeCodes } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { useEvent } from "../event-layout/event-layout";
import { eventCodesQuery } from "../queries";
import { BatchList } from "./batch-list";
import { NewCodesForm } from "./code-form";
import { MadeCodesDialog } from "./made-codes-dialog";
import { codesText as text } from "./strings";
import { WithdrawDialog } from "./withdraw-dialog";

const MOST_BATCHES = 250;
/** A closed dialog gives the focus back to what may be gone by then. */
const AFTER_DIALOG_MILLISECONDS = 60;

/** An organizer makes and withdraws promo codes of an event, and sees what was sold with them. */
export function CodesPage() {
  const event = useEvent();
  const { data, error, refetch } = useQuery(eventCodesQuery(event.id));
  const [isFormOpen, setIsFormOpen] = useState(false);
  const [made, setMade] = useState<{ codes: MadeCodes; isShown: boolean } | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const focusHeading = () => setTimeout(() => heading.current?.focus(), AFTER_DIALOG_MILLISECONDS);
  const closeForm = () => {
    setIsFormOpen(false);
    focusHeading();
  };
  const onMade = (codes: MadeCodes) => {
    if (codes.batch.code === null) {
      setMade({ codes, isShown: true });
      return;
    }
    notifications.show({ message: text.form.done(codes.batch.code) });
    closeForm();
  };
  const isFull = data !== undefined && data.items.length >= MOST_BATCHES;

  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <Title order={2} size="h3" ref={heading} tabIndex={-1} data-page-heading>
          {text.title}
        </Title>
        {event.status === "active" && !isFormOpen && !isFull && (
          <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setIsFormOpen(true)}>
            {text.add}
          </Button>
        )}
      </Group>
      {event.status !== "active" && <Text c="dimmed">{text.closed}</Text>}
      {isFull && <Text c="dimmed">{text.most(MOST_BATCHES)}</Text>}
      {isFormOpen && <NewCodesForm event={event} onMade={onMade} onCancel={closeForm} />}
      {data !== undefined ? (
        <Batches batches={data.items} isAdding={isFormOpen} onWithdrawn={focusHeading} />
      ) : error === null ? (
        <LoadingRows />
      ) : (
        <LoadError error={error} onRetry={refetch} />
      )}
      {made !== null && (
        <MadeCodesDialog
          made={made.codes}
          isOpen={made.isShown}
          onClose={() => {
            setMade({ ...made, isShown: false });
            closeForm();
          }}
        />
      )}
    </Stack>
  );
}

interface BatchesProps {
  batches: readonly CodeSales[];
  isAdding: boolean;
  onWithdrawn: () => void;
}

function Batches({ batches, isAdding, onWithdrawn }: BatchesProps) {
  const event = useEvent();
  const [asked, setAsked] = useState<{ batch: CodeSales; isOpen: boolean } | null>(null);
  const close = () => setAsked((before) => before && { ...before, isOpen: false });
  if (batches.length === 0 && isAdding) return null;
  if (batches.length === 0) return <EmptyState icon={IconDiscount} title={text.none.title} text={text.none.text} />;
  return (
    <>
      <BatchList event={event} batches={batches} onWithdraw={(batch) => setAsked({ batch, isOpen: true })} />
      {asked !== null && (
        <WithdrawDialog
          key={asked.batch.id}
          event={event}
          batch={asked.batch}
          isOpen={asked.isOpen}
          onClose={close}
          onDone={() => {
            close();
            onWithdrawn();
          }}
        />
      )}
    </>
  );
}
