import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { useUpdateUser } from "@/shared/api/generated/accounts/accounts";
import type { Account, Role } from "@/shared/api/generated/model";
import { newIdempotencyKey } from "@/shared/api/idempotency-key";
import { isKind } from "@/shared/api/problem";
import { Dialog } from "@/shared/feedback/dialog";
import { aboutQuery } from "@/shared/queries/about-query";
import { queryKey } from "@/shared/queries/query-key";
import { appText } from "@/shared/strings/app";

import { accountListText } from "./strings";

const text = accountListText.confirm;

export type AccountChange = { account: Account; role: Role } | { account: Account; disabled: boolean };

export function ChangeConfirmation({ change, onClose }: { change: AccountChange | null; onClose: () => void }) {
  return (
    <Dialog
      isOpen={change !== null}
      onClose={onClose}
      title={change === null ? "" : question(change)}
      closeLabel={text.no}
    >
      {change !== null && <Confirm change={change} onClose={onClose} />}
    </Dialog>
  );
}

function Confirm({ change, onClose }: { change: AccountChange; onClose: () => void }) {
  const { account, ...data } = change;
  const [key] = useState(newIdempotencyKey);
  const [problem, setProblem] = useState<string | null>(null);
  const { mutate, isPending } = useUpdateUser();
  const queries = useQueryClient();
  const isDisabling = "disabled" in change && change.disabled;
  const { data: about } = useQuery(aboutQuery());
  const isUnproven = about?.has_mail === true && !account.is_email_proven;
  const isHandedOver = isUnproven && "role" in change && account.role === "customer";

  const send = () =>
    mutate(
      { accountId: account.id, data, headers: { "Idempotency-Key": key } },
      {
        onSuccess: () => {
          notifications.show({ message: done(change) });
          void queries.invalidateQueries({ queryKey: queryKey("accounts") });
          onClose();
        },
        onError: (error) => {
          setProblem(sentence(error));
          void queries.invalidateQueries({ queryKey: queryKey("accounts") });
        },
      },
    );
  return (
    <Stack>
      <Text>{isDisabling ? text.disableText : text.roleText}</Text>
      {isHandedOver && <Alert color="orange">{text.handedOver(account.email)}</Alert>}
      {problem !== null && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {text.no}
        </Button>
        <Button {...(isDisabling ? { color: "red" } : {})} loading={isPending} onClick={send} data-autofocus>
          {isDisabling ? text.yesDisable : text.yes}
        </Button>
      </Group>
    </Stack>
  );
}

function question(change: AccountChange): string {
  const { name } = change.account;
  if ("role" in change) return text.role(name, appText.roles[change.role]);
  return change.disabled ? text.disable(name) : text.enable(name);
}

function done(change: AccountChange): string {
  const { name } = change.account;
  if ("role" in change) return accountListText.roleChanged(name, appText.roles[change.role]);
  return change.disabled ? accountListText.disabled(name) : accountListText.reenabled(name);
}

function sentence(error: unknown): string {
  if (isKind(error, "last-admin")) return accountListText.problems.lastAdmin;
  return isKind(error, "account-not-found") ? accountListText.problems.erased : accountListText.problems.other;
}
