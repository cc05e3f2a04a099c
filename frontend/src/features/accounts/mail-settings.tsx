import { Alert, Switch, Text } from "@mantine/core";
import { IconMailOff } from "@tabler/icons-react";

import type { Account } from "@/shared/api/generated/model";

import { FormProblem } from "./form-problem";
import { Section } from "./section";
import { accountsText } from "./strings";
import { useAccountUpdate } from "./use-account-update";

const text = accountsText.account.mail;

/** Whether reminders and messages from organizers are mailed, and whether mails come back. */
export function MailSettings({ account }: { account: Account }) {
  const { change, problem, isSaving } = useAccountUpdate(text.saved, () => undefined);
  return (
    <Section title={text.title}>
      {account.is_email_bouncing && (
        <Alert icon={<IconMailOff aria-hidden />} color="orange" title={text.bouncing(account.email)}>
          <Text size="sm">{text.bouncingText}</Text>
        </Alert>
      )}
      <Switch
        label={text.label}
        description={text.hint}
        checked={account.wants_organizer_mail}
        disabled={isSaving}
        onChange={({ currentTarget }) => change({ wants_organizer_mail: currentTarget.checked }, () => undefined)}
      />
      <FormProblem text={problem} />
    </Section>
  );
}
