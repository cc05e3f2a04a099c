import { Avatar, Menu, Text, UnstyledButton } from "@mantine/core";
import { IconLogout, IconUser } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";

import { useLogOut } from "@/shared/api/generated/accounts/accounts";
import type { Account } from "@/shared/api/generated/model";
import { endSession } from "@/shared/session/session";
import { app } from "@/shared/strings/app";

export function AccountMenu({ account }: { account: Account }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const end = () => {
    endSession(queries);
    void navigate("/");
  };
  const logOut = useLogOut({ mutation: { onSuccess: end } });

  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton aria-label={app.accountMenu(account.name)}>
          <Avatar name={account.name} color="ledger" radius="xl" />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text span size="sm" fw={650} c="var(--mantine-color-text)" display="block" truncate>
            {account.name}
          </Text>
          {app.roles[account.role]}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component={Link} to="/account" leftSection={<IconUser size={16} aria-hidden />}>
          {app.account}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => logOut.mutate()}>
          {app.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
