import { isEmail } from "@/shared/forms/is-email";

import { accountsText } from "./strings";

const PASSWORD_LENGTH = 8;

/** Checks before a form is sent. The rules are the API's, and its messages are shown in the form. */
export const validators = {
  filled: (value: string) => (value.trim() === "" ? accountsText.required : null),
  email: (value: string) => (isEmail(value) ? null : accountsText.invalidEmail),
  newPassword: (value: string) => (value.length < PASSWORD_LENGTH ? accountsText.shortPassword : null),
};
