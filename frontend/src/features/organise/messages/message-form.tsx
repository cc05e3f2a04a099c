import { Alert, Button, Checkbox, Group, Paper, Select, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useState } from "react";

import type { Audience, Event, MessagePreview, WriteMessage } from "@/shared/api/generated/model";
import { Dialog } from "@/shared/feedback/dialog";
import { focusFirstInvalid } from "@/shared/forms/focus-first-invalid";

import { messagesText } from "./strings";
import { useMessage } from "./use-message";

const text = messagesText;
const AUDIENCES = ["all", "not-checked-in", "checked-in"] as const satisfies Audience[];
const ANY = "any";
const SUBJECT_LENGTH = 150;
const TEXT_LENGTH = 10_000;

interface Values {
  audience: Audience;
  category: string;
  subject: string;
  text: string;
  has_reply_to: boolean;
}

const EMPTY: Values = { audience: "all", category: ANY, subject: "", text: "", has_reply_to: false };

export function MessageForm({ event }: { event: Event }) {
  const form = useForm<Values>({
    initialValues: EMPTY,
    validate: { subject: isNotEmpty(text.required), text: isNotEmpty(text.required) },
    onValuesChange: () => message.forget(),
  });
  const message = useMessage(event.id, form.setErrors);
  const [isAsking, setIsAsking] = useState(false);
  const preview = form.onSubmit(
    (values) => message.look(bodyOf(values)),
    (_, __, submitted) => {
      if (submitted?.currentTarget instanceof HTMLFormElement) focusFirstInvalid(submitted.currentTarget);
    },
  );
  const send = () =>
    message.send(bodyOf(form.getValues()), () => {
      setIsAsking(false);
      form.reset();
    });

  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} component="section" aria-labelledby="write-message">
      <form onSubmit={preview} noValidate>
        <Stack gap="md">
          <div>
            <Title order={2} size="h3" id="write-message">
              {text.title}
            </Title>
            <Text size="sm" c="dimmed">
              {text.lead}
            </Text>
          </div>
          <Group gap="md" align="start">
            <Select
              flex="1 1 240px"
              label={text.audience}
              allowDeselect={false}
              data={AUDIENCES.map((value) => ({ value, label: text.audiences[value] }))}
              {...form.getInputProps("audience")}
            />
            {event.categories.length > 1 && (
              <Select
                flex="1 1 180px"
                label={text.category}
                allowDeselect={false}
                data={[
                  { value: ANY, label: text.anyCategory },
                  ...event.categories.map(({ id, name }) => ({ value: id, label: name })),
                ]}
                {...form.getInputProps("category")}
              />
            )}
          </Group>
          <TextInput label={text.subject} maxLength={SUBJECT_LENGTH} required {...form.getInputProps("subject")} />
          <Textarea
            label={text.text}
            description={text.textHint}
            autosize
            minRows={5}
            maxRows={20}
            maxLength={TEXT_LENGTH}
            required
            {...form.getInputProps("text")}
          />
          <Checkbox
            label={text.replyTo}
            description={text.replyToHint}
            {...form.getInputProps("has_reply_to", { type: "checkbox" })}
          />
          {message.problem !== null && !isAsking && (
            <Alert color="red" role="alert">
              {message.problem}
            </Alert>
          )}
          <Group>
            <Button type="submit" variant="light" loading={message.isLooking}>
              {text.preview}
            </Button>
          </Group>
        </Stack>
      </form>
      {message.preview !== null && (
        <Preview
          preview={message.preview}
          isTesting={message.isTesting}
          onTest={() => message.test(bodyOf(form.getValues()))}
          onSend={() => setIsAsking(true)}
        />
      )}
      <Dialog isOpen={isAsking} onClose={() => setIsAsking(false)} title={text.confirmTitle} closeLabel={text.keep}>
        <Stack>
          <Text>{text.confirm(message.preview?.recipients ?? 0, message.preview?.subject ?? "")}</Text>
          {message.problem !== null && (
            <Alert color="red" role="alert">
              {message.problem}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setIsAsking(false)}>
              {text.keep}
            </Button>
            <Button loading={message.isSending} onClick={send}>
              {text.send(message.preview?.recipients ?? 0)}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </Paper>
  );
}

interface PreviewProps {
  preview: MessagePreview;
  isTesting: boolean;
  onTest: () => void;
  onSend: () => void;
}

function Preview({ preview, isTesting, onTest, onSend }: PreviewProps) {
  return (
    <Stack gap="sm" mt="lg">
      <Text role="status" fw={600}>
        {preview.recipients === 0 ? text.nobody : text.recipients(preview.recipients)}
      </Text>
      <Paper withBorder p="md" component="article" aria-label={text.arrives}>
        <Text fw={700} style={{ overflowWrap: "anywhere" }}>
          {preview.subject}
        </Text>
        <Text mt="xs" size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {preview.text}
        </Text>
      </Paper>
      <Group>
        <Button variant="default" loading={isTesting} onClick={onTest}>
          {text.toMyself}
        </Button>
        {preview.recipients > 0 && <Button onClick={onSend}>{text.send(preview.recipients)}</Button>}
      </Group>
    </Stack>
  );
}

function bodyOf({ category, ...values }: Values): WriteMessage {
  return { ...values, ...(category === ANY ? {} : { category }) };
}
