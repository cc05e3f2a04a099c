import { PasswordInput, type PasswordInputProps } from "@mantine/core";

import { accounts } from "./strings";

export function Password(props: PasswordInputProps) {
  return <PasswordInput visibilityToggleButtonProps={{ "aria-label": accounts.showPassword }} {...props} />;
}
