import { Anchor, Button, Group, Stack, Table, Text } from "@mantine/core";
import { IconArrowLeft, IconUsers } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";

import type { TrailEntry } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { Page } from "@/shared/navigation/page";
import { appText } from "@/shared/strings/app";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { accountTrailQuery } from "../queries";
import { ledgerText } from "../strings";
import { accountTrailText } from "./strings";

const text = accountTrailText;
/** Of an id: enough to tell accounts of one page apart. */
const ID_LENGTH = 8;

/** What was done to accounts, newest first; the account is in the URL as `account`. */
export function AccountTrailPage() {
  const [parameters, setParameters] = useSearchParams();
  const accountId = parameters.get("account");
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/ledger" size="sm">
        <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {ledgerText.back}
      </Anchor>
      <Page title={text.title} lead={text.lead}>
        <Stack gap="md">
          {accountId !== null && (
            <Group gap="sm">
              <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                {text.shown(accountId)}
              </Text>
              <Button size="xs" variant="light" onClick={() => setParameters({}, { replace: true })}>
                {text.all}
              </Button>
            </Group>
          )}
          <Entries accountId={accountId} onAccount={(id) => setParameters({ account: id })} />
        </Stack>
      </Page>
    </Stack>
  );
}

interface Props {
  accountId: string | null;
  onAccount: (id: string) => void;
}

function Entries({ accountId, onAccount }: Props) {
  const list = useInfiniteQuery({ ...accountTrailQuery(accountId), placeholderData: keepPreviousData });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { columns } = text;

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) {
    const sentence = accountId === null ? text.none.ofAll : text.none.ofOne;
    return <EmptyState icon={IconUsers} title={text.none.title} text={sentence} />;
  }
  return (
    <>
      <TableFrame
        label={text.table}
        isBusy={list.isPlaceholderData}
        columns={[columns.at, columns.action, columns.account, columns.actor, columns.network]}
      >
        {items.map((entry) => (
          <Row key={entry.id} entry={entry} onAccount={onAccount} />
        ))}
      </TableFrame>
      <LoadMoreButton list={list} />
    </>
  );
}

function Row({ entry, onAccount }: { entry: TrailEntry; onAccount: (id: string) => void }) {
  const { columns } = text;
  const isItself = entry.actor_id !== null && entry.actor_id === entry.account_id;
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        <Text size="sm">{formatLocalDateTime(entry.at)}</Text>
      </Table.Th>
      <Table.Td data-label={columns.action}>
        <div>
          <Text size="sm" fw={600}>
            {text.actions[entry.action]}
          </Text>
          <Text size="sm" c="dimmed">
            {details(entry)}
          </Text>
        </div>
      </Table.Td>
      <Table.Td data-label={columns.account}>
        <AccountId id={entry.account_id} otherwise={text.unknownAccount} onAccount={onAccount} />
      </Table.Td>
      <Table.Td data-label={columns.actor}>
        {isItself ? (
          <Text size="sm">{text.itself}</Text>
        ) : (
          <AccountId id={entry.actor_id} otherwise={text.nobody} onAccount={onAccount} />
        )}
      </Table.Td>
      <Table.Td data-label={columns.network}>
        <Text size="sm">{entry.network ?? text.unknownNetwork}</Text>
      </Table.Td>
    </Table.Tr>
  );
}

interface AccountIdProps {
  id: string | null;
  otherwise: string;
  onAccount: (id: string) => void;
}

function AccountId({ id, otherwise, onAccount }: AccountIdProps) {
  if (id === null) return <Text size="sm">{otherwise}</Text>;
  return (
    <Anchor
      component="button"
      type="button"
      size="sm"
      ff="monospace"
      title={id}
      aria-label={text.only(id)}
      onClick={() => onAccount(id)}
    >
      {id.slice(0, ID_LENGTH)}
    </Anchor>
  );
}

function details({ count, role_before, role_after }: TrailEntry): string {
  if (count !== null) return text.times(count);
  if (role_after === null) return "";
  return text.roles(role_before && appText.roles[role_before], appText.roles[role_after]);
}
