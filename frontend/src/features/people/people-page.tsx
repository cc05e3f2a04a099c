import { Badge, Box, Button, Group, NativeSelect, Stack, Switch, Table, Text } from "@mantine/core";
import { IconUserSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Role, type Account } from "@/shared/api/generated/model";
import { LoadFailed } from "@/shared/feedback/load-failed";
import { NothingHere } from "@/shared/feedback/nothing-here";
import { since } from "@/shared/formatting/moments";
import { Page } from "@/shared/navigation/page";
import { useSession } from "@/shared/session/session";
import { app } from "@/shared/strings/app";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { More } from "@/shared/tables/more";
import { SearchField } from "@/shared/tables/search-field";
import { TableFrame } from "@/shared/tables/table-frame";

import { ConfirmChange, type Change } from "./confirm-change";
import { NewAccount } from "./new-account";
import { peopleQuery } from "./queries";
import { people } from "./strings";

export function PeoplePage() {
  const [q, setQ] = useState("");
  const [change, setChange] = useState<Change | null>(null);

  return (
    <Page title={people.title} lead={people.lead} actions={<NewAccount />}>
      <Stack gap="md">
        <Box role="search">
          <SearchField label={people.search} value={q} onChange={setQ} />
        </Box>
        <Accounts q={q} onClear={() => setQ("")} onChange={setChange} />
      </Stack>
      <ConfirmChange change={change} onClose={() => setChange(null)} />
    </Page>
  );
}

interface Props {
  q: string;
  onClear: () => void;
  onChange: (change: Change) => void;
}

function Accounts({ q, onClear, onChange }: Props) {
  const { account: self } = useSession();
  const list = useInfiniteQuery({ ...peopleQuery(q), placeholderData: keepPreviousData });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { columns, none } = people;

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadFailed error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) {
    const clear = (
      <Button variant="light" onClick={onClear}>
        {none.action}
      </Button>
    );
    return <NothingHere icon={IconUserSearch} title={none.title} text={none.text} action={clear} />;
  }
  return (
    <>
      <TableFrame
        label={people.table}
        isBusy={list.isPlaceholderData}
        columns={[columns.name, columns.email, columns.role, columns.since, columns.state]}
      >
        {items.map((account) => (
          <Row key={account.id} account={account} isSelf={account.id === self?.id} onChange={onChange} />
        ))}
      </TableFrame>
      <More list={list} />
    </>
  );
}

const ROLES = Object.values(Role).map((value) => ({ value, label: app.roles[value] }));

interface RowProps {
  account: Account;
  isSelf: boolean;
  onChange: (change: Change) => void;
}

function Row({ account, isSelf, onChange }: RowProps) {
  const { columns } = people;
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Group gap="xs">
          {account.name}
          {isSelf && (
            <Badge variant="light" size="sm">
              {people.you}
            </Badge>
          )}
        </Group>
      </Table.Th>
      <Table.Td data-label={columns.email}>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {account.email}
        </Text>
      </Table.Td>
      <Table.Td data-label={columns.role}>
        <NativeSelect
          w={140}
          aria-label={people.roleOf(account.name)}
          data={ROLES}
          value={account.role}
          onChange={({ currentTarget }) => onChange({ account, role: currentTarget.value as Role })}
        />
      </Table.Td>
      <Table.Td data-label={columns.since}>
        <Text size="sm">{since(account.created_at)}</Text>
      </Table.Td>
      <Table.Td data-label={columns.state}>
        <Switch
          checked={!account.disabled}
          aria-label={people.enabled(account.name)}
          label={account.disabled ? people.states.disabled : people.states.enabled}
          onChange={() => onChange({ account, disabled: !account.disabled })}
        />
      </Table.Td>
    </Table.Tr>
  );
}
