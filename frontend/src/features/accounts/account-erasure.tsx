import { Button, Checkbox, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useEraseMe } from "@/shared/api/generated/accounts/accounts";
import { isKind } from "@/shared/api/problem";
import { Dialog } from "@/shared/feedback/dialog";
import { endSession } from "@/shared/session/session";

import { FormProblem } from "./form-problem";
import { Section } from "./section";
import { accountsText } from "./strings";

const text = accountsText.account.erase;

export function AccountErasure() {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <Section title={text.title}>
      <Text size="sm">{text.text}</Text>
      <Button color="red" variant="light" w="fit-content" onClick={open}>
        {text.action}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.title} closeLabel={text.keep}>
        <ErasureConfirmation onKeep={close} />
      </Dialog>
    </Section>
  );
}

function ErasureConfirmation({ onKeep }: { onKeep: () => void }) {
  const [isSure, setIsSure] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const erase = useEraseMe({
    mutation: {
      onSuccess: async () => {
        notifications.show({ message: text.done });
        await navigate("/");
        endSession(queries);
      },
    },
  });

  return (
    <Stack gap="md">
      <Text size="sm">{text.text}</Text>
      <Checkbox
        label={text.confirm}
        checked={isSure}
        onChange={({ currentTarget }) => setIsSure(currentTarget.checked)}
      />
      <FormProblem text={erase.error === null ? null : reason(erase.error)} />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onKeep}>
          {text.keep}
        </Button>
        <Button color="red" disabled={!isSure} loading={erase.isPending} onClick={() => erase.mutate()}>
          {text.action}
        </Button>
      </Group>
    </Stack>
  );
}

function reason(error: unknown): string {
  if (isKind(error, "erasure-refused")) return text.refused;
  return isKind(error, "last-admin") ? text.lastAdmin : accountsText.failed;
}
