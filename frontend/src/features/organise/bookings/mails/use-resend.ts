import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";

import { mailsQuery } from "./queries";
import { mailsText as text } from "./strings";

/** Has something mailed again, once however often it is clicked. `refusal`: why it was not. */
export function useResend(
  bookingId: string,
  name: string,
  ask: (headers: { "Idempotency-Key": string }) => Promise<unknown>,
) {
  const queries = useQueryClient();
  const { keyFor, done } = useCommandKey(`resend ${name}`);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => ask({ "Idempotency-Key": keyFor(name) }),
    onSuccess: () => {
      done();
      notifications.show({ message: text.onItsWay });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: mailsQuery(bookingId).queryKey }),
  });
  return { send: () => mutate(), isPending, refusal: error === null ? null : sentence(error) };
}

function sentence(error: unknown): string {
  const kind = error instanceof ApiError ? error.kind : "other";
  return text.problems[kind] ?? text.problems.other ?? "";
}
