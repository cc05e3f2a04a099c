import { accountsText } from "./strings";

const PASSWORD_LENGTH = 8;

/** What is said before anything is sent; the rules themselves are the API's, and its messages come back into the form. */
export const validators = {
  filled: (value: string) => (value.trim() === "" ? accountsText.required : null),
  email: (value: string) => (/^\S+@\S+$/.test(value.trim()) ? null : accountsText.invalidEmail),
  newPassword: (value: string) => (value.length < PASSWORD_LENGTH ? accountsText.shortPassword : null),
};
