import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";

import { useSendPasswordReset } from "@/shared/api/generated/accounts/accounts";
import type { Account } from "@/shared/api/generated/model";
import { aboutQuery } from "@/shared/queries/about-query";

import { accountListText } from "./strings";

const text = accountListText.link;

/** Mails somebody a link to set a new password, where mail is sent. */
export function PasswordLink({ account }: { account: Account }) {
  const { data: about } = useQuery(aboutQuery());
  const { mutate, isPending } = useSendPasswordReset();
  if (about?.has_mail !== true) return null;
  const send = () =>
    mutate(
      { accountId: account.id },
      {
        onSuccess: () => notifications.show({ message: text.sent(account.email) }),
        onError: () => notifications.show({ message: text.failed, color: "red" }),
      },
    );
  return (
    <Button
      variant="subtle"
      size="compact-xs"
      px={0}
      loading={isPending}
      onClick={send}
      aria-label={text.sendTo(account.name)}
    >
      {text.send}
    </Button>
  );
}
