import { isKind, UNREACHABLE } from "@/shared/api/problem";

import { accountsText } from "./strings";

/** What is wrong with a link that was mailed, or with the request that uses it. */
export function linkProblem(error: unknown): string | null {
  if (error === null) return null;
  if (isKind(error, "token-used")) return accountsText.link.used;
  if (isKind(error, "token-expired")) return accountsText.link.expired;
  if (isKind(error, "token-unknown")) return accountsText.link.incomplete;
  if (isKind(error, "mail-off")) return accountsText.link.off;
  if (isKind(error, "too-many-attempts")) return accountsText.signIn.tooMany(error.retryAfterSeconds);
  return isKind(error, UNREACHABLE) ? accountsText.unreachable : accountsText.failed;
}
