import { Button, Paper, Stack, Text } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";

import { useConfirmEmail } from "@/shared/api/generated/accounts/accounts";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { NewTabSignIn } from "@/shared/feedback/new-tab-sign-in";
import { Page } from "@/shared/navigation/page";
import { queryKey } from "@/shared/queries/query-key";

import { FormProblem } from "./form-problem";
import { IncompleteLink } from "./incomplete-link";
import { linkProblem } from "./link-problem";
import { accountsText } from "./strings";
import { useLinkToken } from "./use-link-token";

const text = accountsText.verifyEmail;

export function VerifyEmailPage() {
  const token = useLinkToken();
  return <Page title={text.title}>{token === null ? <IncompleteLink /> : <Confirm key={token} token={token} />}</Page>;
}

function Confirm({ token }: { token: string }) {
  const { mutate, isPending, isSuccess, error } = useConfirmEmail();
  const queries = useQueryClient();
  const confirm = () =>
    mutate({ data: { token } }, { onSuccess: () => void queries.invalidateQueries({ queryKey: queryKey("session") }) });
  if (isSuccess) {
    const toEvents = (
      <Button component={Link} to="/" variant="light">
        {text.toEvents}
      </Button>
    );
    return <EmptyState icon={IconCircleCheck} title={text.doneTitle} text={text.done} action={toEvents} />;
  }
  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} shadow="sm" maw={480}>
      <Stack gap="md">
        <Text>{text.lead}</Text>
        <FormProblem text={problem(error)} action={isKind(error, "not-signed-in") && <NewTabSignIn />} />
        <Button size="md" loading={isPending} onClick={confirm}>
          {text.submit}
        </Button>
      </Stack>
    </Paper>
  );
}

function problem(error: unknown): string | null {
  if (isKind(error, "not-signed-in")) return text.notSignedIn;
  if (isKind(error, "link-of-another")) return text.ofAnother;
  return isKind(error, "token-used") ? text.used : linkProblem(error);
}
