import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";

import { useCreateEvent } from "@/shared/api/generated/events/events";
import type { NewEvent } from "@/shared/api/generated/model";
import { isKind, type ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { eventQuery } from "@/shared/queries/event-query";
import { DRAFT } from "@/shared/session/session";

import { invalidateEvent } from "../queries";
import { createEventText } from "./strings";

/**
 * Creates an event once, and opens its page. Until that page is shown, whose script may load slowly, no second one can be created.
 * `refuse` shows errors at their fields, and returns the message for anything else.
 */
export function useEventCreation(refuse: (error: ApiError) => string) {
  const [problem, setProblem] = useState<string | null>(null);
  const isLocked = useRef(false); // a second click may come before the next render
  const { keyFor, done } = useCommandKey("create event");
  const { mutate, isPending, isSuccess, error } = useCreateEvent(DRAFT);
  const queries = useQueryClient();
  const navigate = useNavigate();

  const create = (data: NewEvent) => {
    if (isLocked.current) return;
    isLocked.current = true;
    setProblem(null);
    mutate(
      { data, headers: { "Idempotency-Key": keyFor(data) } },
      {
        onSuccess: (event) => {
          done();
          queries.setQueryData(eventQuery(event.id).queryKey, event);
          void invalidateEvent(queries, event.id);
          notifications.show({ message: createEventText.done });
          void navigate(`/organise/${event.id}`, { replace: true });
        },
        onError: (error) => {
          isLocked.current = false;
          setProblem(refuse(error));
        },
      },
    );
  };
  return { create, isCreating: isPending || isSuccess, problem, isSignedOut: isKind(error, "not-signed-in") };
}
