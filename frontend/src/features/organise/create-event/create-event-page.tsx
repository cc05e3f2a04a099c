import { Alert, Anchor, Button, Group, Stack } from "@mantine/core";
import { IconAlertTriangle, IconArrowLeft } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { LoadError } from "@/shared/feedback/load-error";
import { NewTabSignIn } from "@/shared/feedback/new-tab-sign-in";
import { Page } from "@/shared/navigation/page";
import { aboutQuery } from "@/shared/queries/about-query";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { EventFields } from "../event-form/event-fields";
import { normaliseValues, emptyValues, toCreate } from "../event-form/event-values";
import { focusFirstError, useEventForm } from "../event-form/use-event-form";
import { createEventText } from "./strings";
import { useEventCreation } from "./use-event-creation";

const text = createEventText;

export function CreateEventPage() {
  const about = useQuery({ ...aboutQuery(), staleTime: Infinity });
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/organise" size="sm">
        <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {text.back}
      </Anchor>
      <Page title={text.title} lead={text.lead}>
        {about.data !== undefined && <Form currency={about.data.currency} />}
        {about.data === undefined && about.error !== null && <LoadError error={about.error} onRetry={about.refetch} />}
        {about.isPending && <LoadingRows />}
      </Page>
    </Stack>
  );
}

function Form({ currency }: { currency: string }) {
  const { form, refuse } = useEventForm(emptyValues(currency), () => ({ now: Date.now(), base: null, taken: {} }));
  const { create, isCreating, problem, isSignedOut } = useEventCreation(refuse);
  const submit = form.onSubmit(
    (values) => create(toCreate(normaliseValues(values))),
    (errors) => focusFirstError(form, errors),
  );

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="xl" maw={860}>
        <EventFields form={form} taken={{}} isNew />
        {problem !== null && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
            {problem} {isSignedOut && <NewTabSignIn />}
          </Alert>
        )}
        <Group>
          <Button type="submit" size="md" loading={isCreating}>
            {text.submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
