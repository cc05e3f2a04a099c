import { PasswordInput, type PasswordInputProps } from "@mantine/core";

import { accountsText } from "./strings";

export function PasswordField(props: PasswordInputProps) {
  return <PasswordInput visibilityToggleButtonProps={{ "aria-label": accountsText.showPassword }} {...props} />;
}
