import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import type { MessagePreview, WriteMessage } from "@/shared/api/generated/model";
import { useWriteToAttendees } from "@/shared/api/generated/notifications/notifications";
import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { queryKey } from "@/shared/queries/query-key";

import { messagesText } from "./strings";

const text = messagesText;

/** Previews, tests and sends a message to the attendees of an event. */
export function useMessage(eventId: string, setErrors: (errors: Record<string, string>) => void) {
  const [preview, setPreview] = useState<MessagePreview | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const queries = useQueryClient();
  const { keyFor, done } = useCommandKey(`write to attendees of ${eventId}`);
  const tests = useCommandKey(`test message of ${eventId}`);
  const looking = useWriteToAttendees();
  const testing = useWriteToAttendees();
  const sending = useWriteToAttendees();

  const onError = (error: unknown) => {
    if (isKind(error, "malformed")) setErrors(error.fieldErrors);
    else setProblem(problemText(error));
  };
  const forget = () => {
    setPreview(null);
    setProblem(null);
  };
  const refresh = () => queries.invalidateQueries({ queryKey: queryKey("event-messages", eventId) });

  return {
    preview,
    problem,
    isLooking: looking.isPending,
    isTesting: testing.isPending,
    isSending: sending.isPending,
    forget,
    look: (data: WriteMessage) => {
      forget();
      looking.mutate(
        { eventId, data, params: { preview: true } },
        { onSuccess: (shown) => setPreview(shown.preview ?? null), onError },
      );
    },
    test: (body: WriteMessage) => {
      setProblem(null);
      const data = { ...body, audience: "myself" as const };
      testing.mutate(
        { eventId, data, headers: { "Idempotency-Key": tests.keyFor(data) } },
        {
          onSuccess: () => {
            tests.done();
            notifications.show({ message: text.testSent });
            void refresh();
          },
          onError,
        },
      );
    },
    send: (data: WriteMessage, onDone: () => void) => {
      setProblem(null);
      sending.mutate(
        { eventId, data, headers: { "Idempotency-Key": keyFor(data) } },
        {
          onSuccess: () => {
            done();
            forget();
            notifications.show({ message: text.sent });
            onDone();
            void refresh();
          },
          onError,
        },
      );
    },
  };
}

function problemText(error: unknown): string {
  const { problems } = text;
  if (isKind(error, "too-many-announcements")) {
    return problems.tooMany(formatLocalDateTime(String((error.problem as { next_at?: unknown }).next_at)));
  }
  if (isKind(error, "account-unverified")) return problems.unverified;
  if (isKind(error, "audience-empty")) return problems.empty;
  if (isKind(error, "mail-off")) return text.off.text;
  return isKind(error, UNREACHABLE) ? problems.unreachable : problems.failed;
}
