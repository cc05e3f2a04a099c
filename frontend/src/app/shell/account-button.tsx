import { Avatar, UnstyledButton, VisuallyHidden, type UnstyledButtonProps } from "@mantine/core";
import type { ComponentPropsWithRef } from "react";

import type { Account } from "@/shared/api/generated/model";

import { shellText } from "../strings";

type Props = UnstyledButtonProps & ComponentPropsWithRef<"button"> & { account: Account };

export function AccountButton({ account, ...button }: Props) {
  return (
    <UnstyledButton aria-haspopup="menu" {...button}>
      <VisuallyHidden>{shellText.accountMenu(account.name)}</VisuallyHidden>
      <Avatar name={account.name} color="ledger" radius="xl" aria-hidden />
    </UnstyledButton>
  );
}
