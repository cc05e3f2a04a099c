import type { AccountAction } from "@/shared/api/generated/model";

const actions: Record<AccountAction, string> = {
  "signed-up": "Signed up",
  created: "Created",
  "role-changed": "Role changed",
  disabled: "Disabled",
  enabled: "Enabled",
  "password-changed": "Password changed",
  "email-changed": "E-mail address changed",
  "email-proven": "E-mail address confirmed",
  "second-factor-set": "Second factor set",
  "second-factor-removed": "Second factor removed",
  "recovery-code-used": "Recovery code used",
  "session-ended": "Session ended",
  "sessions-ended": "Other sessions ended",
  "webhook-created": "Webhook added",
  "webhook-changed": "Webhook changed",
  "webhook-deleted": "Webhook deleted",
  "webhook-secret-rotated": "Secret of a webhook changed",
  "contacts-claimed": "Bookings of its address taken over",
  erased: "Erased",
  "log-ins-failed": "Failed sign-ins",
};

export const accountTrailText = {
  title: "Account changes",
  lead: "Who changed which account, and failed sign-ins. Names are not kept here, so that an account can be erased.",
  table: "Account changes",
  columns: { at: "Time", action: "Change", account: "Account", actor: "By", network: "Network" },
  actions,
  roles: (before: string | null, after: string | null) =>
    before === null ? (after ?? "") : `${before} → ${after ?? ""}`,
  times: (count: number) => `${count} ×`,
  itself: "The account itself",
  nobody: "Unknown or operator",
  unknownNetwork: "–",
  unknownAccount: "Unknown e-mail addresses",
  only: (id: string) => `Only changes of and by ${id}`,
  shown: (id: string) => `Changes of and by account ${id}`,
  all: "Show all accounts",
  none: { title: "No changes", ofAll: "No account was changed yet.", ofOne: "Nothing was done to or by this account." },
};
