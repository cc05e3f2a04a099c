import { Alert, Anchor, Button, Group, Stack } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconArrowLeft } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";

import { useCreateEvent } from "@/shared/api/generated/events/events";
import { getGetAboutQueryOptions } from "@/shared/api/generated/system/system";
import { useCommandKey } from "@/shared/api/use-command-key";
import { LoadFailed } from "@/shared/feedback/load-failed";
import { Page } from "@/shared/navigation/page";
import { eventForm } from "@/shared/strings/event-form";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { EventFields } from "./event-fields";
import { emptyValues, toCreate } from "./event-values";
import { eventQuery, refresh } from "./queries";
import { focusFirst, useEventForm } from "./use-event-form";

const text = eventForm.create;

export function CreatePage() {
  const about = useQuery({ ...getGetAboutQueryOptions(), staleTime: Infinity });
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/organise" size="sm">
        <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {text.back}
      </Anchor>
      <Page title={text.title} lead={text.lead}>
        {about.data !== undefined && <Form currency={about.data.currency} />}
        {about.data === undefined && about.error !== null && <LoadFailed error={about.error} onRetry={about.refetch} />}
        {about.isPending && <LoadingRows />}
      </Page>
    </Stack>
  );
}

function Form({ currency }: { currency: string }) {
  const [problem, setProblem] = useState<string | null>(null);
  const { form, refuse } = useEventForm(emptyValues(currency), () => ({ now: Date.now(), base: null, taken: {} }));
  const { keyFor, done } = useCommandKey("create event");
  const { mutate, isPending } = useCreateEvent();
  const queries = useQueryClient();
  const navigate = useNavigate();

  const submit = form.onSubmit(
    (values) => {
      const data = toCreate(values);
      setProblem(null);
      mutate(
        { data, headers: { "Idempotency-Key": keyFor(data) } },
        {
          onSuccess: (event) => {
            done();
            queries.setQueryData(eventQuery(event.id).queryKey, event);
            void refresh(queries, event.id);
            notifications.show({ message: text.done });
            void navigate(`/organise/${event.id}`, { replace: true });
          },
          onError: (error) => setProblem(refuse(error)),
        },
      );
    },
    (errors) => focusFirst(form, errors),
  );

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="xl" maw={860}>
        <EventFields form={form} taken={{}} isNew />
        {problem !== null && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
            {problem}
          </Alert>
        )}
        <Group>
          <Button type="submit" size="md" loading={isPending}>
            {text.submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
