import { Anchor, Button, Paper, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useEffect, useRef } from "react";
import { Link, useNavigate } from "react-router";

import { useSignInByLink } from "@/shared/api/generated/accounts/accounts";
import { isKind } from "@/shared/api/problem";
import { useStartSession } from "@/shared/session/session";

import { FormProblem } from "./form-problem";
import { linkProblem } from "./link-problem";
import { accountsText } from "./strings";

const text = accountsText.signIn;

/** Signs in by a link that was mailed. A program that opens links, such as a virus scanner, spends nothing: it presses no button. */
export function LinkSignIn({ token }: { token: string }) {
  const { mutate, isPending, error, variables } = useSignInByLink();
  const startSession = useStartSession();
  const navigate = useNavigate();
  const form = useForm({ mode: "uncontrolled", initialValues: { code: "" } });
  const needsCode = isKind(error, "second-factor-required");
  const codeField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (needsCode) codeField.current?.focus();
  }, [needsCode, error]);
  const submit = form.onSubmit(({ code }) =>
    mutate(
      { data: code.trim() === "" ? { token } : { token, code } },
      {
        onSuccess: ({ account }) => {
          startSession(account);
          void navigate("/", { replace: true });
        },
      },
    ),
  );
  const problem = needsCode ? (variables?.data.code === undefined ? null : text.codeWrong) : linkProblem(error);
  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} shadow="sm" maw={480}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Text>{text.byLink}</Text>
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
          <FormProblem text={problem} />
          <Button type="submit" size="md" loading={isPending}>
            {text.submit}
          </Button>
          <Text size="sm" ta="center">
            <Anchor component={Link} to="/forgot-password" underline="always">
              {accountsText.link.askAgain}
            </Anchor>
          </Text>
        </Stack>
      </form>
    </Paper>
  );
}
