import { SimpleGrid, Stack } from "@mantine/core";

import { Page } from "@/shared/navigation/page";
import { useSession } from "@/shared/session/session";

import { DetailsForm } from "./details-form";
import { EraseMe } from "./erase-me";
import { PasswordForm } from "./password-form";
import { accounts } from "./strings";

export function AccountPage() {
  const { account } = useSession();
  if (account === null) return null; // signed out a moment ago
  return (
    <Page title={accounts.account.title} lead={account.email}>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <DetailsForm account={account} />
        <Stack gap="xl">
          <PasswordForm />
          <EraseMe />
        </Stack>
      </SimpleGrid>
    </Page>
  );
}
