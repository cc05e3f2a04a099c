import { Alert, Button, Group, NumberInput, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconKey, IconPlayerPause, IconPlayerPlay, IconRepeat, IconSend, IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useNavigate } from "react-router";

import {
  useDeleteWebhook,
  useReplayWebhook,
  useRotateWebhookSecret,
  useTestWebhook,
  useUpdateWebhook,
} from "@/shared/api/generated/notifications/notifications";
import type { Webhook } from "@/shared/api/generated/model";
import { Dialog } from "@/shared/feedback/dialog";
import { queryKey } from "@/shared/queries/query-key";

import { NewSecret } from "./new-secret";
import { webhooksText } from "./strings";

const text = webhooksText.actions;

type Asked = "replay" | "rotate" | "remove" | null;

export function WebhookActions({ webhook }: { webhook: Webhook }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Asked>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const reread = () => queries.invalidateQueries({ queryKey: queryKey("webhooks") });
  const update = useUpdateWebhook({ mutation: { onSettled: reread } });
  const test = useTestWebhook({
    mutation: { onSuccess: () => notifications.show({ message: text.tested }), onSettled: reread },
  });
  const isActive = webhook.state === "active";
  const switchState = () =>
    update.mutate(
      { webhookId: webhook.id, data: { state: isActive ? "paused" : "active" } },
      { onSuccess: () => notifications.show({ message: isActive ? text.paused : text.resumed }) },
    );
  const close = () => {
    setAsked(null);
    setSecret(null);
  };
  const title = secret === null ? asked !== null && webhooksText[asked].title : webhooksText.secret.title;

  return (
    <Stack gap="sm">
      <Group gap="xs" role="group" aria-label={text.label}>
        <Button
          variant={isActive ? "default" : "filled"}
          leftSection={isActive ? <IconPlayerPause size={16} aria-hidden /> : <IconPlayerPlay size={16} aria-hidden />}
          loading={update.isPending}
          onClick={switchState}
        >
          {isActive ? text.pause : text.resume}
        </Button>
        <Button
          variant="default"
          leftSection={<IconSend size={16} aria-hidden />}
          disabled={!isActive}
          loading={test.isPending}
          onClick={() => test.mutate({ webhookId: webhook.id })}
        >
          {text.test}
        </Button>
        <Button
          variant="default"
          leftSection={<IconRepeat size={16} aria-hidden />}
          disabled={!isActive}
          onClick={() => setAsked("replay")}
        >
          {text.replay}
        </Button>
        <Button variant="default" leftSection={<IconKey size={16} aria-hidden />} onClick={() => setAsked("rotate")}>
          {text.rotate}
        </Button>
        <Button
          variant="light"
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setAsked("remove")}
        >
          {text.remove}
        </Button>
      </Group>
      {(update.isError || test.isError) && <Failed />}
      <Dialog
        isOpen={asked !== null}
        onClose={close}
        title={title || ""}
        closeLabel={secret === null ? webhooksText.replay.cancel : webhooksText.secret.kept}
        isClosedByButtonsOnly={secret !== null}
      >
        {asked === "replay" && <Replay webhook={webhook} onClose={close} />}
        {asked === "rotate" && secret === null && <Rotation webhook={webhook} onClose={close} onSecret={setSecret} />}
        {asked === "remove" && <Removal webhook={webhook} onClose={close} />}
        {secret !== null && <NewSecret secret={secret} isChanged onClose={close} />}
      </Dialog>
    </Stack>
  );
}

function Failed() {
  return (
    <Alert color="red" role="alert">
      {webhooksText.failed}
    </Alert>
  );
}

interface QuestionProps {
  webhook: Webhook;
  onClose: () => void;
}

function Replay({ webhook, onClose }: QuestionProps) {
  const { replay } = webhooksText;
  const queries = useQueryClient();
  const [from, setFrom] = useState<number | string>(webhook.last_position ?? 1);
  const { mutate, isPending, isError } = useReplayWebhook();
  const isValid = typeof from === "number" && Number.isSafeInteger(from) && from >= 1;
  const send = () => {
    if (!isValid) return;
    mutate(
      { webhookId: webhook.id, data: { from } },
      {
        onSuccess: () => {
          notifications.show({ message: text.replaying });
          void queries.invalidateQueries({ queryKey: queryKey("webhooks") });
          onClose();
        },
      },
    );
  };
  return (
    <Question
      text={replay.text}
      failed={isError}
      onClose={onClose}
      onSubmit={send}
      submit={replay.submit}
      isPending={isPending}
    >
      <NumberInput
        label={replay.from}
        allowDecimal={false}
        allowNegative={false}
        hideControls
        thousandSeparator=" "
        maxLength={18}
        value={from}
        onChange={setFrom}
        error={isValid ? null : replay.wrong}
        data-autofocus
      />
    </Question>
  );
}

function Rotation({ webhook, onClose, onSecret }: QuestionProps & { onSecret: (secret: string) => void }) {
  const { mutate, isPending, isError } = useRotateWebhookSecret();
  const queries = useQueryClient();
  const send = () =>
    mutate(
      { webhookId: webhook.id },
      {
        onSuccess: ({ secret }) => {
          void queries.invalidateQueries({ queryKey: queryKey("webhooks") });
          onSecret(secret);
        },
      },
    );
  const { rotate } = webhooksText;
  return (
    <Question
      text={rotate.text}
      failed={isError}
      onClose={onClose}
      onSubmit={send}
      submit={rotate.submit}
      isPending={isPending}
    />
  );
}

function Removal({ webhook, onClose }: QuestionProps) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { mutate, isPending, isError } = useDeleteWebhook();
  const send = () =>
    mutate(
      { webhookId: webhook.id },
      {
        onSuccess: () => {
          notifications.show({ message: text.removed });
          void navigate("/webhooks");
          queries.removeQueries({ queryKey: queryKey("webhooks", "one", webhook.id) });
          void queries.invalidateQueries({ queryKey: queryKey("webhooks", "list") });
        },
      },
    );
  const { remove } = webhooksText;
  return (
    <Question
      text={remove.text(webhook.url)}
      failed={isError}
      onClose={onClose}
      onSubmit={send}
      submit={remove.submit}
      isPending={isPending}
      isDangerous
    />
  );
}

interface Props {
  text: string;
  failed: boolean;
  submit: string;
  isPending: boolean;
  isDangerous?: boolean;
  onClose: () => void;
  onSubmit: () => void;
  children?: ReactNode;
}

function Question({
  text: question,
  failed,
  submit,
  isPending,
  isDangerous = false,
  onClose,
  onSubmit,
  children,
}: Props) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
      noValidate
    >
      <Stack>
        <Text style={{ overflowWrap: "anywhere" }}>{question}</Text>
        {children}
        {failed && <Failed />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {webhooksText.replay.cancel}
          </Button>
          <Button
            type="submit"
            loading={isPending}
            {...(isDangerous ? { color: "red" } : {})}
            {...(children === undefined ? { "data-autofocus": true } : {})}
          >
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
