import { Badge, Box, Button, Group, NativeSelect, Stack, Switch, Table, Text } from "@mantine/core";
import { IconUserSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Role, type Account } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { Page } from "@/shared/navigation/page";
import { useSession } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { SearchField } from "@/shared/tables/search-field";
import { TableFrame } from "@/shared/tables/table-frame";

import { ChangeConfirmation, type AccountChange } from "./change-confirmation";
import { NewAccount } from "./new-account";
import { PasswordLink } from "./password-link";
import { accountsQuery } from "./queries";
import { accountListText } from "./strings";

export function AccountListPage() {
  const [q, setQ] = useState("");
  const [change, setChange] = useState<AccountChange | null>(null);

  return (
    <Page title={accountListText.title} lead={accountListText.lead} actions={<NewAccount />}>
      <Stack gap="md">
        <Box role="search">
          <SearchField label={accountListText.search} value={q} onChange={setQ} />
        </Box>
        <Accounts q={q} onClear={() => setQ("")} onChange={setChange} />
      </Stack>
      <ChangeConfirmation change={change} onClose={() => setChange(null)} />
    </Page>
  );
}

interface Props {
  q: string;
  onClear: () => void;
  onChange: (change: AccountChange) => void;
}

function Accounts({ q, onClear, onChange }: Props) {
  const { account: self } = useSession();
  const list = useInfiniteQuery({ ...accountsQuery(q), placeholderData: keepPreviousData });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { columns, none } = accountListText;

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) {
    const clear = (
      <Button variant="light" onClick={onClear}>
        {none.action}
      </Button>
    );
    return <EmptyState icon={IconUserSearch} title={none.title} text={none.text} action={clear} />;
  }
  return (
    <>
      <TableFrame
        label={accountListText.table}
        isBusy={list.isPlaceholderData}
        columns={[columns.name, columns.email, columns.role, columns.since, columns.state]}
      >
        {items.map((account) => (
          <Row key={account.id} account={account} isSelf={account.id === self?.id} onChange={onChange} />
        ))}
      </TableFrame>
      <LoadMoreButton list={list} />
    </>
  );
}

function stateOf(account: Account): string {
  const { states } = accountListText;
  if (account.is_contact) return states.contact;
  return account.disabled ? states.disabled : states.enabled;
}

const ROLES = Object.values(Role).map((value) => ({ value, label: appText.roles[value] }));

interface RowProps {
  account: Account;
  isSelf: boolean;
  onChange: (change: AccountChange) => void;
}

function Row({ account, isSelf, onChange }: RowProps) {
  const { columns } = accountListText;
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Group gap="xs">
          {account.name}
          {account.is_contact && (
            <Badge variant="light" color="gray" size="sm">
              {accountListText.contact}
            </Badge>
          )}
          {isSelf && (
            <Badge variant="light" size="sm">
              {accountListText.you}
            </Badge>
          )}
        </Group>
      </Table.Th>
      <Table.Td data-label={columns.email}>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {account.email}
        </Text>
        {!account.is_contact && !account.disabled && <PasswordLink account={account} />}
      </Table.Td>
      <Table.Td data-label={columns.role}>
        <NativeSelect
          w={140}
          aria-label={accountListText.roleOf(account.name)}
          disabled={account.is_contact}
          data={ROLES}
          value={account.role}
          onChange={({ currentTarget }) => onChange({ account, role: currentTarget.value as Role })}
        />
      </Table.Td>
      <Table.Td data-label={columns.since}>
        <Text size="sm">{formatLocalDateTime(account.created_at)}</Text>
      </Table.Td>
      <Table.Td data-label={columns.state}>
        <Switch
          checked={!account.disabled && !account.is_contact}
          disabled={account.is_contact}
          aria-label={accountListText.enabled(account.name)}
          label={stateOf(account)}
          onChange={() => onChange({ account, disabled: !account.disabled })}
        />
      </Table.Td>
    </Table.Tr>
  );
}
