import { Alert, Button, Checkbox, Group, Input, Radio, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { useCreateWebhook } from "@/shared/api/generated/notifications/notifications";
import type { WebhookType } from "@/shared/api/generated/model";
import { newIdempotencyKey } from "@/shared/api/idempotency-key";
import { isKind } from "@/shared/api/problem";
import { Dialog } from "@/shared/feedback/dialog";
import { EventSelect } from "@/shared/forms/event-select";
import { queryKey } from "@/shared/queries/query-key";
import { useSession } from "@/shared/session/session";

import { NewSecret } from "./new-secret";
import { findEventsOf } from "./queries";
import { webhooksText } from "./strings";
import { TYPES } from "./types";

const text = webhooksText.add;
const MAX_URL_LENGTH = 2_000;

export function NewWebhook() {
  const [isOpen, { open, close }] = useDisclosure(false);
  const [secret, setSecret] = useState<string | null>(null);
  const closeAll = () => {
    close();
    setSecret(null);
  };
  return (
    <>
      <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={open}>
        {text.button}
      </Button>
      <Dialog
        isOpen={isOpen}
        onClose={closeAll}
        title={secret === null ? text.title : webhooksText.secret.title}
        closeLabel={secret === null ? text.cancel : webhooksText.secret.kept}
        isClosedByButtonsOnly={secret !== null}
      >
        {secret === null ? (
          <Form onCreated={setSecret} onClose={closeAll} />
        ) : (
          <NewSecret secret={secret} onClose={closeAll} />
        )}
      </Dialog>
    </>
  );
}

interface Values {
  url: string;
  scope: "everything" | "some";
  types: WebhookType[];
  eventId: string | null;
}

function Form({ onCreated, onClose }: { onCreated: (secret: string) => void; onClose: () => void }) {
  const { account } = useSession();
  const [problem, setProblem] = useState<string | null>(null);
  const [key] = useState(newIdempotencyKey);
  const { mutate, isPending } = useCreateWebhook();
  const queries = useQueryClient();
  const form = useForm<Values>({
    initialValues: { url: "", scope: "everything", types: [], eventId: null },
    validate: {
      url: (value) => (/^https?:\/\/\S+$/i.test(value.trim()) ? null : text.urlWrong),
      types: (value, { scope }) => (scope === "some" && value.length === 0 ? text.typesMissing : null),
    },
  });
  const submit = form.onSubmit(({ url, scope, types, eventId }) => {
    setProblem(null);
    const data = { url: url.trim(), types: scope === "some" ? types : (["*"] as WebhookType[]), event_id: eventId };
    // A refused request left no trace: the key may be used with other values.
    mutate(
      { data, headers: { "Idempotency-Key": key } },
      {
        onSuccess: ({ secret }) => {
          void queries.invalidateQueries({ queryKey: queryKey("webhooks") });
          onCreated(secret);
        },
        onError: (error) => {
          if (isKind(error, "malformed") && "url" in error.fieldErrors) form.setErrors({ url: error.message });
          else setProblem(isKind(error, "too-many-webhooks") ? text.limit : webhooksText.failed);
        },
      },
    );
  });

  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          label={text.url}
          description={text.urlHint}
          type="url"
          inputMode="url"
          autoComplete="off"
          placeholder="https://example.org/seatledger"
          maxLength={MAX_URL_LENGTH}
          data-autofocus
          {...form.getInputProps("url")}
        />
        <Radio.Group label={text.what} {...form.getInputProps("scope")}>
          <Stack gap="xs" mt={6}>
            <Radio value="everything" label={text.everything} />
            <Radio value="some" label={text.some} />
          </Stack>
        </Radio.Group>
        {form.values.scope === "some" && (
          <Checkbox.Group aria-label={text.some} {...form.getInputProps("types")}>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs">
              {TYPES.map((type) => (
                <Checkbox key={type} size="xs" value={type} label={type} />
              ))}
            </SimpleGrid>
          </Checkbox.Group>
        )}
        <div>
          <EventSelect
            purpose="webhooks"
            find={findEventsOf(account?.role === "admin" ? null : (account?.id ?? null))}
            value={form.values.eventId}
            onChange={(eventId) => form.setFieldValue("eventId", eventId)}
          />
          <Input.Description mt={4}>{text.event}</Input.Description>
        </div>
        {problem !== null && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {text.cancel}
          </Button>
          <Button type="submit" loading={isPending}>
            {text.submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
