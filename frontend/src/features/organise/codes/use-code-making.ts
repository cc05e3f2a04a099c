import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { useMakeCodes } from "@/shared/api/generated/events/events";
import type { MadeCodes, NewCodes } from "@/shared/api/generated/model";
import { isKind, isOutcomeUnknown, type ApiError } from "@/shared/api/problem";
import { useCommandKey } from "@/shared/api/use-command-key";
import { DRAFT } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";

import { invalidateEvent } from "../queries";
import { codesText } from "./strings";

const text = codesText.problems;

/** Makes promo codes once, however often it is sent. `onErrors` is told what is wrong in which field. */
export function useCodeMaking(
  eventId: string,
  onMade: (made: MadeCodes) => void,
  onErrors: (errors: Record<string, string>) => void,
) {
  const [problem, setProblem] = useState<string | null>(null);
  const isLocked = useRef(false); // a second click may come before the next render
  const { keyFor, done } = useCommandKey(`make codes ${eventId}`);
  const { mutate, isPending, error } = useMakeCodes(DRAFT);
  const queries = useQueryClient();

  const make = (data: NewCodes) => {
    if (isLocked.current) return;
    isLocked.current = true;
    setProblem(null);
    mutate(
      { eventId, data, headers: { "Idempotency-Key": keyFor(data) } },
      {
        onSuccess: (made) => {
          done();
          void invalidateEvent(queries, eventId);
          onMade(made);
        },
        onError: (error) => {
          const errors = isKind(error, "code-taken") ? { code: codesText.checks.taken } : knownFields(error);
          setProblem(Object.keys(errors).length > 0 ? text.malformed : sentence(error));
          onErrors(errors);
        },
        onSettled: () => {
          isLocked.current = false;
        },
      },
    );
  };
  return { make, isMaking: isPending, problem, isSignedOut: isKind(error, "not-signed-in") };
}

/** The errors that stand at a field: one of the whole body has no path. */
function knownFields(error: ApiError): Record<string, string> {
  return Object.fromEntries(Object.entries(error.fieldErrors).filter(([path]) => path !== ""));
}

function sentence(error: ApiError): string {
  if (isKind(error, "malformed")) return error.message;
  if (isKind(error, "event-not-bookable", "already-cancelled")) return text.closed;
  if (isKind(error, "holds-off")) return text.upgrade;
  if (isKind(error, "not-signed-in")) return appText.signedOut.text;
  return isOutcomeUnknown(error) ? text.unknown : text.other;
}
