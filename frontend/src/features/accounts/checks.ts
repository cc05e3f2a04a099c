import { accounts } from "./strings";

const PASSWORD_LENGTH = 8;

/** What is said before anything is sent; the rules themselves are the API's, and its messages come back into the form. */
export const checks = {
  filled: (value: string) => (value.trim() === "" ? accounts.required : null),
  email: (value: string) => (/^\S+@\S+$/.test(value.trim()) ? null : accounts.invalidEmail),
  newPassword: (value: string) => (value.length < PASSWORD_LENGTH ? accounts.shortPassword : null),
};
