import { Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";

import type { Account } from "@/shared/api/generated/model";

import { checks } from "./checks";
import { FormProblem } from "./form-problem";
import { Password } from "./password";
import { Section } from "./section";
import { accounts } from "./strings";
import { useChange } from "./use-change";

const text = accounts.account;

export function DetailsForm({ account }: { account: Account }) {
  const form = useForm({
    initialValues: { name: account.name, email: account.email, phone: account.phone ?? "", old_password: "" },
    validate: { name: checks.filled, email: checks.email },
  });
  const isNewEmail = form.values.email.trim().toLowerCase() !== account.email;
  const { change, problem, isSaving } = useChange(text.saved, form.setErrors);
  const submit = form.onSubmit(({ name, email, phone, old_password }) => {
    const changed = { name, phone: phone.trim() === "" ? null : phone, ...(isNewEmail ? { email, old_password } : {}) };
    change(changed, () => form.setFieldValue("old_password", ""));
  });

  return (
    <Section title={text.details}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput label={accounts.name} autoComplete="name" maxLength={200} {...form.getInputProps("name")} />
          <TextInput label={accounts.email} type="email" autoComplete="email" {...form.getInputProps("email")} />
          {isNewEmail && (
            <Password
              label={text.oldPassword}
              description={text.oldPasswordFor}
              autoComplete="current-password"
              {...form.getInputProps("old_password")}
            />
          )}
          <TextInput
            label={accounts.optionalPhone}
            description={accounts.phoneHint}
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
