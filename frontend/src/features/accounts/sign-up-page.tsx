import { Anchor, Button, Paper, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { Link, useLocation, useSearchParams } from "react-router";

import { useSignUp } from "@/shared/api/generated/accounts/accounts";
import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { Page } from "@/shared/navigation/page";

import { FormProblem } from "./form-problem";
import { PasswordField } from "./password-field";
import { accountsText } from "./strings";
import { useSignIn } from "./use-sign-in";
import { validators } from "./validators";

const text = accountsText.signUp;

export function SignUpPage() {
  return (
    <Page title={text.title} lead={text.lead}>
      <SignUpForm />
    </Page>
  );
}

function SignUpForm() {
  const [parameters] = useSearchParams();
  const { state } = useLocation() as { state: { email?: string } | null };
  const [problem, setProblem] = useState<string | null>(null);
  const signIn = useSignIn();
  const signUp = useSignUp();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "", email: state?.email ?? "", phone: "", password: "" },
    validate: { name: validators.filled, email: validators.email, password: validators.newPassword },
  });
  const fail = (error: unknown) => {
    if (isKind(error, "malformed", "weak-password")) form.setErrors(error.fieldErrors);
    else if (isKind(error, "email-taken")) form.setErrors({ email: text.emailTaken });
    else setProblem(isKind(error, UNREACHABLE) ? accountsText.unreachable : accountsText.failed);
  };
  const submit = form.onSubmit(({ name, email, phone, password }) => {
    setProblem(null);
    const data = { name, email, password, ...(phone.trim() === "" ? {} : { phone }) };
    signUp.mutate(
      { data },
      { onSuccess: () => signIn.mutate({ data: { email, password } }, { onError: fail }), onError: fail },
    );
  });

  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} shadow="sm" maw={480}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput
            key={form.key("name")}
            label={accountsText.name}
            autoComplete="name"
            maxLength={200}
            {...form.getInputProps("name")}
          />
          <TextInput
            key={form.key("email")}
            label={accountsText.email}
            type="email"
            autoComplete="username"
            {...form.getInputProps("email")}
          />
          <TextInput
            key={form.key("phone")}
            label={accountsText.optionalPhone}
            description={accountsText.phoneHint}
            type="tel"
            autoComplete="tel"
            maxLength={40}
            {...form.getInputProps("phone")}
          />
          <PasswordField
            key={form.key("password")}
            label={accountsText.password}
            description={accountsText.passwordHint}
            autoComplete="new-password"
            {...form.getInputProps("password")}
          />
          <FormProblem text={problem} />
          <Button type="submit" size="md" loading={signUp.isPending || signIn.isPending}>
            {text.submit}
          </Button>
          <Text size="sm" ta="center">
            {text.toSignIn}{" "}
            <Anchor component={Link} to={`/sign-in?${parameters}`} underline="always">
              {text.toSignInAction}
            </Anchor>
          </Text>
        </Stack>
      </form>
    </Paper>
  );
}
