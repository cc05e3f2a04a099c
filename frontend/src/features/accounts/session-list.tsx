import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { useEndOtherSessions, useEndSession } from "@/shared/api/generated/accounts/accounts";
import type { OpenSession } from "@/shared/api/generated/model";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { FormProblem } from "./form-problem";
import { sessionsQuery } from "./queries";
import { Section } from "./section";
import { accountsText } from "./strings";

const text = accountsText.account.sessions;
/** Programs are sessions, too: an account may have hundreds. */
const SHOWN_AT_FIRST = 10;

/** The sessions of the account, with a button to end each other one. */
export function SessionList() {
  const queries = useQueryClient();
  const list = useQuery(sessionsQuery());
  const after = (message: string) => ({
    onSuccess: () => notifications.show({ message }),
    onSettled: () => queries.invalidateQueries({ queryKey: sessionsQuery().queryKey }),
  });
  const end = useEndSession({ mutation: after(text.ended) });
  const endOthers = useEndOtherSessions({ mutation: after(text.othersEnded) });
  const [showsAll, setShowsAll] = useState(false);
  const sessions = (list.data?.items ?? []).toSorted((one, other) => Number(other.is_current) - Number(one.is_current));
  const shown = showsAll ? sessions : sessions.slice(0, SHOWN_AT_FIRST);

  return (
    <Section title={text.title}>
      {list.isPending && <LoadingRows />}
      {list.isError && list.data === undefined && <LoadError error={list.error} onRetry={list.refetch} />}
      <Stack gap="md" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {shown.map((session) => (
          <Row
            key={session.id}
            session={session}
            isEnding={end.isPending && end.variables.sessionId === session.id}
            onEnd={() => end.mutate({ sessionId: session.id })}
          />
        ))}
      </Stack>
      <FormProblem text={end.error === null && endOthers.error === null ? null : accountsText.failed} />
      {sessions.length > 1 && (
        <Group gap="xs">
          <Button variant="light" loading={endOthers.isPending} onClick={() => endOthers.mutate()}>
            {text.endOthers}
          </Button>
          {shown.length < sessions.length && (
            <Button variant="default" onClick={() => setShowsAll(true)}>
              {text.showAll(sessions.length)}
            </Button>
          )}
        </Group>
      )}
    </Section>
  );
}

function Row({ session, isEnding, onEnd }: { session: OpenSession; isEnding: boolean; onEnd: () => void }) {
  const signedIn = formatLocalDateTime(session.created_at);
  const client = session.client ?? text.unknownClient;
  return (
    <Group component="li" justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
      <Stack gap={2}>
        <Group gap="xs">
          <Text fw={600}>{client}</Text>
          {session.is_current && (
            <Badge variant="light" size="sm">
              {text.current}
            </Badge>
          )}
        </Group>
        <Text size="sm" c="dimmed">
          {text.seen(formatLocalDateTime(session.last_seen_at))}
        </Text>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {text.signedIn(signedIn, session.network)}
        </Text>
      </Stack>
      {!session.is_current && (
        <Button
          size="xs"
          variant="default"
          flex="none"
          loading={isEnding}
          onClick={onEnd}
          aria-label={text.endOf(client, signedIn)}
        >
          {text.end}
        </Button>
      )}
    </Group>
  );
}
