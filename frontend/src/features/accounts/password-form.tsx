import { Button, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";

import { FormProblem } from "./form-problem";
import { PasswordField } from "./password-field";
import { Section } from "./section";
import { accountsText } from "./strings";
import { useAccountUpdate } from "./use-account-update";
import { validators } from "./validators";

const text = accountsText.account;

export function PasswordForm() {
  const form = useForm({
    initialValues: { old_password: "", password: "" },
    validate: { old_password: validators.filled, password: validators.newPassword },
  });
  const { change, problem, isSaving } = useAccountUpdate(text.changed, form.setErrors);

  return (
    <Section title={text.changePassword}>
      <form onSubmit={form.onSubmit((passwords) => change(passwords, form.reset))} noValidate>
        <Stack gap="md">
          <PasswordField
            label={text.oldPassword}
            autoComplete="current-password"
            {...form.getInputProps("old_password")}
          />
          <PasswordField
            label={text.newPassword}
            description={accountsText.passwordHint}
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
