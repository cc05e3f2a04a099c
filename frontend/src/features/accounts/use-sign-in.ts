import { useNavigate, useSearchParams } from "react-router";

import { useLogIn } from "@/shared/api/generated/accounts/accounts";
import { RETURN_PARAMETER, safeReturnPath } from "@/shared/navigation/return-path";
import { useStartSession } from "@/shared/session/session";

/** Signs in, and returns to the page that asked for it. */
export function useSignIn() {
  const startSession = useStartSession();
  const navigate = useNavigate();
  const [parameters] = useSearchParams();
  return useLogIn({
    mutation: {
      onSuccess: ({ account }) => {
        startSession(account); // the token in the answer is for programs: a browser has the cookie
        void navigate(safeReturnPath(parameters.get(RETURN_PARAMETER)), { replace: true });
      },
    },
  });
}
