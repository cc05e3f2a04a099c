import { SimpleGrid, Stack } from "@mantine/core";

import { Page } from "@/shared/navigation/page";
import { useSession } from "@/shared/session/session";

import { AccountErasure } from "./account-erasure";
import { DetailsForm } from "./details-form";
import { EmailConfirmation } from "./email-confirmation";
import { MailSettings } from "./mail-settings";
import { PasswordForm } from "./password-form";
import { SecondFactor } from "./second-factor";
import { SessionList } from "./session-list";
import { accountsText } from "./strings";

export function AccountPage() {
  const { account } = useSession();
  if (account === null) return null; // signed out a moment ago
  return (
    <Page title={accountsText.account.title} lead={account.email}>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <Stack gap="xl">
          <EmailConfirmation account={account} />
          <DetailsForm account={account} />
          <MailSettings account={account} />
          <SessionList />
        </Stack>
        <Stack gap="xl">
          <PasswordForm />
          <SecondFactor account={account} />
          <AccountErasure />
        </Stack>
      </SimpleGrid>
    </Page>
  );
}
