import { Button, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";

import { checks } from "./checks";
import { FormProblem } from "./form-problem";
import { Password } from "./password";
import { Section } from "./section";
import { accounts } from "./strings";
import { useChange } from "./use-change";

const text = accounts.account;

export function PasswordForm() {
  const form = useForm({
    initialValues: { old_password: "", password: "" },
    validate: { old_password: checks.filled, password: checks.newPassword },
  });
  const { change, problem, isSaving } = useChange(text.changed, form.setErrors);

  return (
    <Section title={text.changePassword}>
      <form onSubmit={form.onSubmit((passwords) => change(passwords, form.reset))} noValidate>
        <Stack gap="md">
          <Password label={text.oldPassword} autoComplete="current-password" {...form.getInputProps("old_password")} />
          <Password
            label={text.newPassword}
            description={accounts.passwordHint}
            autoComplete="new-password"
            {...form.getInputProps("password")}
          />
          <FormProblem text={problem} />
          <Button type="submit" loading={isSaving} w="fit-content">
            {text.changePassword}
          </Button>
        </Stack>
      </form>
    </Section>
  );
}
