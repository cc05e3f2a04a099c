/** Whether this may be an e-mail address. The API has the last word. */
export function isEmail(value: string): boolean {
  return /^\S+@\S+$/.test(value.trim());
}
