import { Button, Center, Code, CopyButton, Group, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { QRCodeSVG } from "qrcode.react";
import { useEffect, useRef, useState } from "react";

import {
  useBeginSecondFactor,
  useConfirmSecondFactor,
  useRemoveSecondFactor,
} from "@/shared/api/generated/accounts/accounts";
import type { Account, NewSecondFactor } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { Dialog } from "@/shared/feedback/dialog";
import { useUpdateSession } from "@/shared/session/session";

import { FormProblem } from "./form-problem";
import { Section } from "./section";
import { accountsText } from "./strings";
import { validators } from "./validators";

const text = accountsText.account.secondFactor;
const COPIED_MILLISECONDS = 2_000;

/** Sets and removes the second factor. The recovery codes are shown once. */
export function SecondFactor({ account }: { account: Account }) {
  const updateSession = useUpdateSession();
  const [recoveryCodes, setRecoveryCodes] = useState<readonly string[] | null>(null);
  const begin = useBeginSecondFactor();
  const remove = useRemoveSecondFactor({
    mutation: {
      onSuccess: () => {
        updateSession({ ...account, has_second_factor: false });
        notifications.show({ message: text.isRemoved });
      },
    },
  });
  const confirmed = (codes: readonly string[]) => {
    begin.reset();
    setRecoveryCodes(codes);
    updateSession({ ...account, has_second_factor: true });
  };
  const close = () => {
    begin.reset();
    setRecoveryCodes(null);
  };

  return (
    <Section title={text.title}>
      <Text size="sm">{account.has_second_factor ? text.on : text.off}</Text>
      <FormProblem text={begin.error === null && remove.error === null ? null : accountsText.failed} />
      {account.has_second_factor ? (
        <Button color="red" variant="light" w="fit-content" loading={remove.isPending} onClick={() => remove.mutate()}>
          {text.remove}
        </Button>
      ) : (
        <Button variant="light" w="fit-content" loading={begin.isPending} onClick={() => begin.mutate()}>
          {text.set}
        </Button>
      )}
      <Dialog
        isOpen={begin.data !== undefined || recoveryCodes !== null}
        onClose={close}
        title={recoveryCodes === null ? text.title : text.recoveryTitle}
        closeLabel={recoveryCodes === null ? text.cancel : text.kept}
        isClosedByButtonsOnly={recoveryCodes !== null}
      >
        {recoveryCodes !== null && <RecoveryCodes codes={recoveryCodes} onClose={close} />}
        {recoveryCodes === null && begin.data !== undefined && (
          <Confirmation factor={begin.data} onConfirmed={confirmed} onCancel={close} />
        )}
      </Dialog>
    </Section>
  );
}

interface ConfirmationProps {
  factor: NewSecondFactor;
  onConfirmed: (recoveryCodes: readonly string[]) => void;
  onCancel: () => void;
}

function Confirmation({ factor, onConfirmed, onCancel }: ConfirmationProps) {
  const { mutate, isPending } = useConfirmSecondFactor();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({ initialValues: { code: "" }, validate: { code: validators.filled } });
  const submit = form.onSubmit((data) => {
    setProblem(null);
    mutate(
      { data },
      {
        onSuccess: (answer) => {
          notifications.show({ message: text.isSet });
          onConfirmed(answer.recovery_codes);
        },
        onError: (error) => {
          if (isKind(error, "wrong-code")) {
            form.setErrors({ code: accountsText.signIn.codeWrong });
            form.getInputNode("code")?.focus();
          } else if (isKind(error, "too-many-attempts"))
            setProblem(accountsText.signIn.tooMany(error.retryAfterSeconds));
          else setProblem(accountsText.failed);
        },
      },
    );
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Text size="sm">{text.scan}</Text>
        <Center bg="white" w="fit-content" mx="auto" bdrs="md">
          <QRCodeSVG value={factor.uri} size={196} marginSize={4} level="M" role="img" title={text.qr} />
        </Center>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {text.key}: <Code>{factor.secret}</Code>
        </Text>
        <TextInput
          label={accountsText.signIn.code}
          inputMode="numeric"
          autoComplete="one-time-code"
          data-autofocus
          {...form.getInputProps("code")}
        />
        <FormProblem text={problem} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            {text.cancel}
          </Button>
          <Button type="submit" loading={isPending}>
            {text.confirm}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function RecoveryCodes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const copyButton = useRef<HTMLButtonElement>(null);
  useEffect(() => copyButton.current?.focus(), []); // what had the focus in the open dialog is gone
  return (
    <Stack gap="md">
      <Text size="sm">{text.recovery}</Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {codes.map((code) => (
          <li key={code}>
            <Code fz="sm">{code}</Code>
          </li>
        ))}
      </SimpleGrid>
      <Group gap="xs">
        <CopyButton value={codes.join("\n")} timeout={COPIED_MILLISECONDS}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy} ref={copyButton}>
              {copied ? text.copied : text.copy}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>{text.kept}</Button>
      </Group>
    </Stack>
  );
}
