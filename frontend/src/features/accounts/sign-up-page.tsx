import { Anchor, Button, Paper, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";

import { useSignUp } from "@/shared/api/generated/accounts/accounts";
import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { Page } from "@/shared/navigation/page";

import { checks } from "./checks";
import { FormProblem } from "./form-problem";
import { Password } from "./password";
import { accounts } from "./strings";
import { useSignIn } from "./use-sign-in";

const text = accounts.signUp;

export function SignUpPage() {
  return (
    <Page title={text.title} lead={text.lead}>
      <SignUpForm />
    </Page>
  );
}

function SignUpForm() {
  const [parameters] = useSearchParams();
  const [problem, setProblem] = useState<string | null>(null);
  const signIn = useSignIn();
  const signUp = useSignUp();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "", email: "", phone: "", password: "" },
    validate: { name: checks.filled, email: checks.email, password: checks.newPassword },
  });
  const fail = (error: unknown) => {
    if (isKind(error, "malformed")) form.setErrors(error.fieldErrors);
    else if (isKind(error, "email-taken")) form.setErrors({ email: text.emailTaken });
    else setProblem(isKind(error, UNREACHABLE) ? accounts.unreachable : accounts.failed);
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
            label={accounts.name}
            autoComplete="name"
            maxLength={200}
            {...form.getInputProps("name")}
          />
          <TextInput
            key={form.key("email")}
            label={accounts.email}
            type="email"
            autoComplete="username"
            {...form.getInputProps("email")}
          />
          <TextInput
            key={form.key("phone")}
            label={accounts.optionalPhone}
            description={accounts.phoneHint}
            type="tel"
            autoComplete="tel"
            maxLength={40}
            {...form.getInputProps("phone")}
          />
          <Password
            key={form.key("password")}
            label={accounts.password}
            description={accounts.passwordHint}
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
