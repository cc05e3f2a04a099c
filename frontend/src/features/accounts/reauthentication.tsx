import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { useReauthenticate } from "@/shared/api/generated/accounts/accounts";
import { isKind } from "@/shared/api/problem";
import { setReauthentication } from "@/shared/api/reauthentication";
import { Dialog } from "@/shared/feedback/dialog";
import { aboutQuery } from "@/shared/queries/about-query";
import { useSession } from "@/shared/session/session";

import { DEMO_PASSWORD } from "./demo-password";
import { FormProblem } from "./form-problem";
import { PasswordField } from "./password-field";
import { accountsText } from "./strings";
import { validators } from "./validators";

const text = accountsText.account.reauthentication;

/** Asks for the password whenever the API requires it again, and lets the request continue. */
export function Reauthentication() {
  const [isOpen, setIsOpen] = useState(false);
  const answer = useRef<(isGiven: boolean) => void>(() => undefined);

  useEffect(
    () =>
      setReauthentication(
        () =>
          new Promise((resolve) => {
            answer.current = resolve;
            setIsOpen(true);
          }),
      ),
    [],
  );
  const finish = (isGiven: boolean) => {
    setIsOpen(false);
    answer.current(isGiven);
  };
  return (
    <Dialog isOpen={isOpen} onClose={() => finish(false)} title={text.title} closeLabel={text.cancel} isOnTop>
      <Form onFinish={finish} />
    </Dialog>
  );
}

function Form({ onFinish }: { onFinish: (isGiven: boolean) => void }) {
  const { account } = useSession();
  const hasCode = account?.has_second_factor === true;
  const about = useQuery(aboutQuery());
  const isDemo = about.data?.demo_accounts.some(({ email }) => email === account?.email) === true;
  const { mutate, isPending } = useReauthenticate();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({
    initialValues: { password: "", code: "" },
    validate: { password: validators.filled, code: (value) => (hasCode ? validators.filled(value) : null) },
  });
  const submit = form.onSubmit(({ password, code }) => {
    setProblem(null);
    mutate(
      { data: { password, ...(hasCode ? { code } : {}) } },
      {
        onSuccess: () => onFinish(true),
        onError: (error) => {
          if (isKind(error, "wrong-password")) {
            form.setErrors({ password: text.wrong });
            form.getInputNode("password")?.focus();
          } else if (isKind(error, "wrong-code")) {
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
        <Text size="sm">{text.text}</Text>
        <PasswordField
          label={accountsText.password}
          {...(isDemo ? { description: text.demo(DEMO_PASSWORD) } : {})}
          autoComplete="current-password"
          data-autofocus
          {...form.getInputProps("password")}
        />
        {hasCode && (
          <TextInput
            label={accountsText.signIn.code}
            description={accountsText.signIn.codeHint}
            autoComplete="one-time-code"
            {...form.getInputProps("code")}
          />
        )}
        <FormProblem text={problem} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => onFinish(false)}>
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
