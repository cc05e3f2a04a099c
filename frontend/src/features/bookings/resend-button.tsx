import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconMail } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";

import { ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";

import { bookingsText } from "./strings";

const text = bookingsText.resend;

interface Props {
  /** What is sent again: its key is the same until it is. */
  of: string;
  ask: (headers: { "Idempotency-Key": string }) => Promise<unknown>;
  /** Where it goes, if that is known. */
  email: string | null;
}

/** Mails the tickets of a booking to its customer again. */
export function ResendButton({ of, ask, email }: Props) {
  const { keyFor, done } = useCommandKey("resend");
  const { mutate, isPending } = useMutation({
    mutationFn: () => ask({ "Idempotency-Key": keyFor(of) }),
    onSuccess: () => {
      done();
      notifications.show({ message: text.done(email) });
    },
    onError: (error) => notifications.show({ color: "red", message: sentence(error) }),
  });
  return (
    <Button
      variant="default"
      leftSection={<IconMail size={18} aria-hidden />}
      loading={isPending}
      onClick={() => mutate()}
    >
      {text.action}
    </Button>
  );
}

function sentence(error: unknown): string {
  const kind = error instanceof ApiError ? error.kind : "other";
  return text.problems[kind] ?? text.problems.other ?? "";
}
