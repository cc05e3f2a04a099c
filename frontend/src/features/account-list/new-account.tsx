import { Alert, Button, Group, NativeSelect, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconUserPlus } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { useCreateUser } from "@/shared/api/generated/accounts/accounts";
import { Role, type CreateUser } from "@/shared/api/generated/model";
import { newIdempotencyKey } from "@/shared/api/idempotency-key";
import { isKind } from "@/shared/api/problem";
import { Dialog } from "@/shared/feedback/dialog";
import { queryKey } from "@/shared/queries/query-key";
import { appText } from "@/shared/strings/app";

import { accountListText } from "./strings";

const text = accountListText.create;
const PASSWORD_LENGTH = 8;

export function NewAccount() {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button leftSection={<IconUserPlus size={18} aria-hidden />} onClick={open}>
        {text.button}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.title} closeLabel={text.cancel}>
        <Form onClose={close} />
      </Dialog>
    </>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [key] = useState(newIdempotencyKey);
  const { mutate, isPending } = useCreateUser();
  const queries = useQueryClient();
  const form = useForm<CreateUser>({
    initialValues: { name: "", email: "", password: "", role: Role.customer },
    validateInputOnBlur: true,
    validate: {
      name: (value) => (value.trim() === "" ? accountListText.checks.required : null),
      email: (value) => (/^\S+@\S+$/.test(value.trim()) ? null : accountListText.checks.email),
      password: (value) => (value.length < PASSWORD_LENGTH ? accountListText.checks.password : null),
    },
  });
  const submit = form.onSubmit((data) => {
    setProblem(null);
    // A refused request left no trace: the key may be used with other values.
    mutate(
      { data, headers: { "Idempotency-Key": key } },
      {
        onSuccess: ({ name }) => {
          notifications.show({ message: text.done(name) });
          void queries.invalidateQueries({ queryKey: queryKey("accounts") });
          onClose();
        },
        onError: (error) => {
          if (isKind(error, "malformed", "weak-password")) form.setErrors(error.fieldErrors);
          else if (isKind(error, "email-taken")) form.setErrors({ email: accountListText.checks.taken });
          else setProblem(accountListText.problems.other);
        },
      },
    );
  });

  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          label={text.name}
          autoComplete="off"
          maxLength={200}
          data-autofocus
          {...form.getInputProps("name")}
        />
        <TextInput
          label={text.email}
          type="email"
          autoComplete="off"
          maxLength={254}
          {...form.getInputProps("email")}
        />
        <PasswordInput
          label={text.password}
          description={text.passwordHint}
          autoComplete="new-password"
          maxLength={200}
          {...form.getInputProps("password")}
        />
        <NativeSelect
          label={text.role}
          data={Object.values(Role).map((value) => ({ value, label: appText.roles[value] }))}
          {...form.getInputProps("role")}
        />
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
