import { Anchor, Button, Paper, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconCircleCheck } from "@tabler/icons-react";
import { Link } from "react-router";

import { useResetPassword } from "@/shared/api/generated/accounts/accounts";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { Page } from "@/shared/navigation/page";

import { FormProblem } from "./form-problem";
import { IncompleteLink } from "./incomplete-link";
import { linkProblem } from "./link-problem";
import { PasswordField } from "./password-field";
import { accountsText } from "./strings";
import { useLinkToken } from "./use-link-token";
import { validators } from "./validators";

const text = accountsText.resetPassword;

export function ResetPasswordPage() {
  const token = useLinkToken();
  return (
    <Page title={text.title} {...(token === null ? {} : { lead: text.lead })}>
      {token === null ? <IncompleteLink /> : <NewPassword key={token} token={token} />}
    </Page>
  );
}

function NewPassword({ token }: { token: string }) {
  const { mutate, isPending, isSuccess, error } = useResetPassword();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { password: "" },
    validate: { password: validators.newPassword },
  });
  const isFieldError = isKind(error, "malformed", "weak-password");
  const submit = form.onSubmit(({ password }) =>
    mutate(
      { data: { token, password } },
      {
        onError: (problem) => {
          if (isKind(problem, "malformed", "weak-password")) form.setErrors(problem.fieldErrors);
        },
      },
    ),
  );
  if (isSuccess) {
    const toSignIn = (
      <Button component={Link} to="/sign-in">
        {accountsText.signIn.submit}
      </Button>
    );
    return <EmptyState icon={IconCircleCheck} title={text.doneTitle} text={text.done} action={toSignIn} />;
  }
  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} shadow="sm" maw={480}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <PasswordField
            key={form.key("password")}
            label={accountsText.account.newPassword}
            description={accountsText.passwordHint}
            autoComplete="new-password"
            {...form.getInputProps("password")}
          />
          <FormProblem text={isFieldError ? null : linkProblem(error)} />
          {isKind(error, "token-used", "token-expired") && (
            <Anchor component={Link} to="/forgot-password" size="sm">
              {accountsText.link.askAgain}
            </Anchor>
          )}
          <Button type="submit" size="md" loading={isPending}>
            {text.submit}
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
