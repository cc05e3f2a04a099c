import { Alert, Anchor, Button, Group, Paper, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconMail } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { useAskForSignInLink, useAskToResetPassword } from "@/shared/api/generated/accounts/accounts";
import { Page } from "@/shared/navigation/page";
import { aboutQuery } from "@/shared/queries/about-query";

import { FormProblem } from "./form-problem";
import { linkProblem } from "./link-problem";
import { accountsText } from "./strings";
import { validators } from "./validators";

const text = accountsText.forgotPassword;

/** Asks for a link by mail, to set a new password or to sign in without one. */
export function ForgotPasswordPage() {
  const reset = useAskToResetPassword();
  const signIn = useAskForSignInLink();
  const { data: about } = useQuery(aboutQuery());
  const form = useForm({ mode: "uncontrolled", initialValues: { email: "" }, validate: { email: validators.email } });
  const ask = (asked: typeof reset | typeof signIn) => () => {
    reset.reset();
    signIn.reset();
    form.onSubmit((data) => asked.mutate({ data }))();
  };
  const sent = [reset, signIn].find((asked) => asked.isSuccess);

  return (
    <Page title={text.title} lead={text.lead}>
      <Paper withBorder p={{ base: "md", sm: "xl" }} shadow="sm" maw={480}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            ask(reset)();
          }}
          noValidate
        >
          <Stack gap="md">
            <TextInput
              key={form.key("email")}
              label={accountsText.email}
              type="email"
              autoComplete="username"
              {...form.getInputProps("email")}
            />
            <FormProblem text={linkProblem(reset.error ?? signIn.error)} />
            {sent !== undefined && (
              <Alert icon={<IconMail aria-hidden />} role="status">
                {text.sent(sent.variables.data.email)}
                {about?.has_mailbox === true && (
                  <>
                    {" "}
                    <Anchor component={Link} to="/mailbox" size="sm">
                      {text.mailbox}
                    </Anchor>
                  </>
                )}
              </Alert>
            )}
            <Group grow preventGrowOverflow={false}>
              <Button type="submit" loading={reset.isPending}>
                {text.reset}
              </Button>
              <Button variant="default" loading={signIn.isPending} onClick={ask(signIn)}>
                {text.signIn}
              </Button>
            </Group>
            <Text size="sm" ta="center">
              <Anchor component={Link} to="/sign-in" underline="always">
                {text.back}
              </Anchor>
            </Text>
          </Stack>
        </form>
      </Paper>
    </Page>
  );
}
