import { Alert, Button, Group, Text } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";

import { useAskToVerifyEmail } from "@/shared/api/generated/accounts/accounts";
import type { Account } from "@/shared/api/generated/model";
import { aboutQuery } from "@/shared/queries/about-query";

import { FormProblem } from "./form-problem";
import { linkProblem } from "./link-problem";
import { accountsText } from "./strings";

const text = accountsText.account.email;

/** Offers to mail a link to an address that nobody has confirmed yet, or from which mails come back. */
export function EmailConfirmation({ account }: { account: Account }) {
  const { data: about } = useQuery(aboutQuery());
  const { mutate, isPending, isSuccess, error } = useAskToVerifyEmail();
  if ((account.is_email_proven && !account.is_email_bouncing) || about?.has_mail !== true) return null;
  return (
    <Alert icon={<IconMail aria-hidden />} title={text.title}>
      <Text size="sm" role="status">
        {isSuccess ? text.sent(account.email) : account.is_email_bouncing ? text.again : text.text}
      </Text>
      <FormProblem text={linkProblem(error)} />
      {!isSuccess && (
        <Group mt="sm">
          <Button size="xs" variant="light" loading={isPending} onClick={() => mutate()}>
            {text.send}
          </Button>
        </Group>
      )}
    </Alert>
  );
}
