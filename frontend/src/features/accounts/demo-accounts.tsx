import { Anchor, Avatar, Badge, Group, Paper, Stack, Text, Title, UnstyledButton } from "@mantine/core";

import { Link } from "react-router";

import type { DemoAccount } from "@/shared/api/generated/model";
import { appText } from "@/shared/strings/app";

import classes from "./demo-accounts.module.css";
import { DEMO_PASSWORD } from "./demo-password";
import { accountsText } from "./strings";
import type { useSignIn } from "./use-sign-in";

interface Props {
  demo: readonly DemoAccount[];
  hasMailbox: boolean;
  signIn: ReturnType<typeof useSignIn>;
}

export function DemoAccounts({ demo, hasMailbox, signIn }: Props) {
  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} component="section" aria-labelledby="demo">
      <Title order={2} size="h3" id="demo">
        {accountsText.signIn.demo}
      </Title>
      <Text size="sm" c="dimmed" mt={4} mb="md">
        {accountsText.signIn.demoHint}
      </Text>
      <Stack gap="xs">
        {demo.map(({ name, email, role }) => (
          <UnstyledButton
            key={email}
            className={classes.person ?? ""}
            disabled={signIn.isPending}
            onClick={() => signIn.mutate({ data: { email, password: DEMO_PASSWORD } })}
          >
            <Group gap="sm" wrap="nowrap">
              <Avatar name={name} color="ledger" aria-hidden />
              <Text fw={650} flex={1} truncate>
                {name}
              </Text>
              <Badge variant="light" color={role === "customer" ? "ledger" : "blue"}>
                {appText.roles[role]}
              </Badge>
            </Group>
          </UnstyledButton>
        ))}
      </Stack>
      {hasMailbox && (
        <Text size="sm" mt="md">
          {accountsText.signIn.mailboxHint}{" "}
          <Anchor component={Link} to="/mailbox" size="sm">
            {accountsText.signIn.mailbox}
          </Anchor>
        </Text>
      )}
    </Paper>
  );
}
