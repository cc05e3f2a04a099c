import { Menu, Text } from "@mantine/core";
import { IconLogout, IconMail, IconUser, IconWebhook } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";

import { useLogOut } from "@/shared/api/generated/accounts/accounts";
import type { Account } from "@/shared/api/generated/model";
import { aboutQuery } from "@/shared/queries/about-query";
import { forgetAllHolds } from "@/shared/session/held-storage";
import { endSession } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";

import { shellText } from "../strings";
import { AccountButton } from "./account-button";

/** Loaded, and opened, at the first click on the account button. */
export function AccountMenu({ account }: { account: Account }) {
  const navigate = useNavigate();
  const about = useQuery(aboutQuery());
  const queries = useQueryClient();
  const end = () => {
    endSession(queries);
    void navigate("/");
  };
  const logOut = useLogOut({
    mutation: {
      onSuccess: () => {
        forgetAllHolds();
        end();
      },
    },
  });

  return (
    <Menu position="bottom-end" width={240} withinPortal={false} defaultOpened withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <AccountButton account={account} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to="/account" leftSection={<IconUser size={18} aria-hidden />}>
          {shellText.account}
          <Text span size="xs" c="dimmed" display="block" truncate>
            {`${account.name}, ${appText.roles[account.role]}`}
          </Text>
        </Menu.Item>
        {(account.role === "organizer" || account.role === "admin") && (
          <Menu.Item component={Link} to="/webhooks" leftSection={<IconWebhook size={18} aria-hidden />}>
            {shellText.webhooks}
          </Menu.Item>
        )}
        {about.data?.has_mailbox === true && (
          <Menu.Item component={Link} to="/mailbox" leftSection={<IconMail size={18} aria-hidden />}>
            {shellText.mailbox}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconLogout size={18} aria-hidden />} onClick={() => logOut.mutate()}>
          {shellText.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
