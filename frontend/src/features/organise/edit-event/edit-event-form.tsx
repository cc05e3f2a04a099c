import { Alert, Button, Group, Stack } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { useUpdateEvent } from "@/shared/api/generated/events/events";
import type { Event } from "@/shared/api/generated/model";
import { isKind, type ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { NewTabSignIn } from "@/shared/feedback/new-tab-sign-in";
import { eventQuery } from "@/shared/queries/event-query";
import { DRAFT } from "@/shared/session/session";

import { EventFields } from "../event-form/event-fields";
import { normaliseValues, toChanges, valuesOf, type EventValues } from "../event-form/event-values";
import { eventFormText } from "../event-form/strings";
import { focusFirstError, useEventForm } from "../event-form/use-event-form";
import { changedEventQuery, invalidateEvent } from "../queries";
import { EditConflict } from "./edit-conflict";
import { findDifferences, type Difference } from "./merge-edits";
import { editEventText } from "./strings";

const text = editEventText;

/** The saved event of a conflicting edit, and its differences from the user's own edit. */
interface Conflict {
  theirs: Event;
  mine: EventValues;
  differences: Difference[];
}

/** `event` is the starting point. Later changes of the event arrive only as a conflict on saving. */
export function EditEventForm({ event }: { event: Event }) {
  const [base, setBase] = useState(event);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [isComparing, setIsComparing] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const taken = Object.fromEntries(base.categories.map((category) => [category.id, category.taken]));
  const { form, refuse } = useEventForm(valuesOf(event), () => ({ now: Date.now(), base: valuesOf(base), taken }));
  const { keyFor, done } = useCommandKey(`edit ${event.id}`);
  const { mutate, isPending, error } = useUpdateEvent(DRAFT);
  const queries = useQueryClient();

  const handleError = async (error: ApiError, mine: EventValues, from: Event) => {
    if (!isKind(error, "stale-version")) {
      setProblem(refuse(error));
      return;
    }
    setIsComparing(true);
    try {
      const theirs = await queries.query(changedEventQuery(from));
      setConflict({ theirs, mine, differences: findDifferences(valuesOf(from), valuesOf(theirs), mine) });
    } catch {
      setProblem(eventFormText.problems.other);
    } finally {
      setIsComparing(false);
    }
  };
  const save = (mine: EventValues, from: Event) => {
    const data = toChanges(valuesOf(from), mine);
    setProblem(null);
    const isSame = Object.keys(data).length === 0;
    if (isSame) {
      adopt(from);
      return;
    }
    const ifMatch = `"${from.details_version}"`;
    mutate(
      {
        eventId: event.id,
        data,
        headers: { "If-Match": ifMatch, "Idempotency-Key": keyFor([data, ifMatch]) },
      },
      {
        onSuccess: (saved) => {
          done();
          adopt(saved);
          queries.setQueryData(eventQuery(event.id).queryKey, saved);
          void invalidateEvent(queries, event.id);
        },
        onError: (error) => void handleError(error, mine, from),
      },
    );
  };
  const adopt = (saved: Event) => {
    notifications.show({ message: saved === base ? text.unchanged : text.done });
    setBase(saved);
    form.setInitialValues(valuesOf(saved));
    form.reset();
  };
  const resolve = (values: EventValues, theirs: Event, isSaved: boolean) => {
    setConflict(null);
    setBase(theirs);
    form.setInitialValues(valuesOf(theirs));
    form.setValues(values);
    if (isSaved) save(values, theirs);
  };

  if (conflict !== null) return <EditConflict {...conflict} onResolve={resolve} />;
  const submit = form.onSubmit(
    (values) => save(normaliseValues(values), base),
    (errors) => focusFirstError(form, errors),
  );
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="xl" maw={860}>
        <EventFields form={form} taken={taken} isNew={false} />
        {problem !== null && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
            {problem} {isKind(error, "not-signed-in") && <NewTabSignIn />}
          </Alert>
        )}
        <Group>
          <Button type="submit" size="md" loading={isPending || isComparing}>
            {text.submit}
          </Button>
          <Button variant="default" size="md" disabled={!form.isDirty()} onClick={() => form.reset()}>
            {text.reset}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
