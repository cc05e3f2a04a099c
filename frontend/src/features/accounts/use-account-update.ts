import { notifications } from "@mantine/notifications";
import { useState } from "react";

import { useUpdateMe } from "@/shared/api/generated/accounts/accounts";
import type { UpdateMe } from "@/shared/api/generated/model";
import { newIdempotencyKey } from "@/shared/api/idempotency-key";
import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { useUpdateSession } from "@/shared/session/session";

import { accountsText } from "./strings";

/** Updates the account; errors of fields go to `setErrors`, anything else is `problem`. */
export function useAccountUpdate(saved: string, setErrors: (errors: Record<string, string>) => void) {
  const [problem, setProblem] = useState<string | null>(null);
  const updateSession = useUpdateSession();
  const { mutate, isPending } = useUpdateMe();

  const change = (data: UpdateMe, onDone: () => void) => {
    setProblem(null);
    mutate(
      { data, headers: { "Idempotency-Key": newIdempotencyKey() } },
      {
        onSuccess: (account) => {
          updateSession(account);
          notifications.show({ message: saved });
          onDone();
        },
        onError: (error) => {
          if (isKind(error, "malformed", "weak-password")) setErrors(error.fieldErrors);
          else if (isKind(error, "email-taken")) setErrors({ email: accountsText.signUp.emailTaken });
          else if (isKind(error, "wrong-password")) setErrors({ old_password: accountsText.account.wrongPassword });
          else if (isKind(error, "too-many-attempts")) setProblem(accountsText.signIn.tooMany(error.retryAfterSeconds));
          else setProblem(isKind(error, UNREACHABLE) ? accountsText.unreachable : accountsText.failed);
        },
      },
    );
  };
  return { change, problem, isSaving: isPending };
}
