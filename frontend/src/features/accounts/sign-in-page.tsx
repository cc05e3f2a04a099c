import { Anchor, Button, Paper, SimpleGrid, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { type ApiError, isKind, UNREACHABLE } from "@/shared/api/problem";
import { Page } from "@/shared/navigation/page";
import { RETURN_PARAMETER, safeReturnPath } from "@/shared/navigation/return-path";
import { aboutQuery } from "@/shared/queries/about-query";
import { useSession } from "@/shared/session/session";

import { DemoAccounts } from "./demo-accounts";
import { FormProblem } from "./form-problem";
import { LinkSignIn } from "./link-sign-in";
import { PasswordField } from "./password-field";
import { accountsText } from "./strings";
import { useLinkToken } from "./use-link-token";
import { useSignIn } from "./use-sign-in";
import { validators } from "./validators";

const text = accountsText.signIn;

export function SignInPage() {
  const token = useLinkToken();
  return token === null ? (
    <SignIn />
  ) : (
    <Page title={text.title}>
      <LinkSignIn key={token} token={token} />
    </Page>
  );
}

function SignIn() {
  const about = useQuery(aboutQuery());
  const demo = about.data?.demo_accounts ?? [];
  const signIn = useSignIn();

  return (
    <Page title={text.title} lead={text.lead}>
      <SimpleGrid cols={{ base: 1, md: demo.length > 0 ? 2 : 1 }} spacing="xl" maw={demo.length > 0 ? undefined : 480}>
        <Stack gap="md">
          <SignedInAlready />
          <SignInForm signIn={signIn} hasMail={about.data?.has_mail === true} />
        </Stack>
        {demo.length > 0 && <DemoAccounts demo={demo} hasMailbox={about.data?.has_mailbox === true} signIn={signIn} />}
      </SimpleGrid>
    </Page>
  );
}

interface FormProps {
  signIn: ReturnType<typeof useSignIn>;
  hasMail: boolean;
}

function SignInForm({ signIn, hasMail }: FormProps) {
  const [parameters] = useSearchParams();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { email: "", password: "", code: "" },
    validate: { email: validators.email, password: validators.filled },
  });
  const [needsCode, setNeedsCode] = useState(false);
  const codeField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (needsCode) codeField.current?.focus(); // first, and after a wrong one
  }, [needsCode, signIn.error]);
  const submit = form.onSubmit(({ code, ...data }) =>
    signIn.mutate(
      { data: code.trim() === "" ? data : { ...data, code } },
      { onError: (error) => setNeedsCode((needed) => needed || isKind(error, "second-factor-required")) },
    ),
  );
  const isAskedFirst = isKind(signIn.error, "second-factor-required") && signIn.variables?.data.code === undefined;

  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} shadow="sm">
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput
            key={form.key("email")}
            label={accountsText.email}
            type="email"
            autoComplete="username"
            {...form.getInputProps("email")}
          />
          <PasswordField
            key={form.key("password")}
            label={accountsText.password}
            autoComplete="current-password"
            {...form.getInputProps("password")}
          />
          {needsCode && (
            <TextInput
              key={form.key("code")}
              label={text.code}
              description={text.codeHint}
              autoComplete="one-time-code"
              ref={codeField}
              {...form.getInputProps("code")}
            />
          )}
          {isAskedFirst && (
            <Text size="sm" role="status">
              {text.codeRequired}
            </Text>
          )}
          <FormProblem text={signIn.error === null || isAskedFirst ? null : reason(signIn.error)} />
          <Button type="submit" size="md" loading={signIn.isPending}>
            {text.submit}
          </Button>
          {hasMail && (
            <Text size="sm" ta="center">
              <Anchor component={Link} to="/forgot-password" underline="always">
                {text.forgot}
              </Anchor>
            </Text>
          )}
          <Text size="sm" ta="center">
            {text.toSignUp}{" "}
            <Anchor component={Link} to={`/sign-up?${parameters}`} underline="always">
              {text.toSignUpAction}
            </Anchor>
          </Text>
        </Stack>
      </form>
    </Paper>
  );
}

function SignedInAlready() {
  const { account } = useSession();
  const [parameters] = useSearchParams();
  if (account === null) return null;
  return (
    <Paper withBorder p="md">
      <Stack align="flex-start" gap="xs">
        <Title order={2} size="h4">
          {text.already(account.name)}
        </Title>
        <Button component={Link} to={safeReturnPath(parameters.get(RETURN_PARAMETER))} size="xs" variant="default">
          {text.goOn}
        </Button>
      </Stack>
    </Paper>
  );
}

function reason(error: ApiError): string {
  if (isKind(error, "wrong-credentials", "malformed")) return text.wrong;
  if (isKind(error, "second-factor-required")) return text.codeWrong;
  if (isKind(error, "too-many-attempts")) return text.tooMany(error.retryAfterSeconds);
  return isKind(error, UNREACHABLE) ? accountsText.unreachable : accountsText.failed;
}
