import { Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";

import type { Account } from "@/shared/api/generated/model";

import { FormProblem } from "./form-problem";
import { PasswordField } from "./password-field";
import { Section } from "./section";
import { accountsText } from "./strings";
import { useAccountUpdate } from "./use-account-update";
import { validators } from "./validators";

const text = accountsText.account;

export function DetailsForm({ account }: { account: Account }) {
  const form = useForm({
    initialValues: { name: account.name, email: account.email, phone: account.phone ?? "", old_password: "" },
    validate: { name: validators.filled, email: validators.email },
  });
  const isNewEmail = form.values.email.trim().toLowerCase() !== account.email;
  const { change, problem, isSaving } = useAccountUpdate(text.saved, form.setErrors);
  const submit = form.onSubmit(({ name, email, phone, old_password }) => {
    const changed = { name, phone: phone.trim() === "" ? null : phone, ...(isNewEmail ? { email, old_password } : {}) };
    change(changed, () => form.setFieldValue("old_password", ""));
  });

  return (
    <Section title={text.details}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput label={accountsText.name} autoComplete="name" maxLength={200} {...form.getInputProps("name")} />
          <TextInput label={accountsText.email} type="email" autoComplete="email" {...form.getInputProps("email")} />
          {isNewEmail && (
            <PasswordField
              label={text.oldPassword}
              description={text.oldPasswordFor}
              autoComplete="current-password"
              {...form.getInputProps("old_password")}
            />
          )}
          <TextInput
            label={accountsText.optionalPhone}
            description={accountsText.phoneHint}
            type="tel"
            autoComplete="tel"
            maxLength={40}
            {...form.getInputProps("phone")}
          />
          <FormProblem text={problem} />
          <Button type="submit" loading={isSaving} w="fit-content">
            {text.save}
          </Button>
        </Stack>
      </form>
    </Section>
  );
}
