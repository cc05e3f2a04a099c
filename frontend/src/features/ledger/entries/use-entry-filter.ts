import { useSearchParams } from "react-router";

import { EntryType } from "@/shared/api/generated/model";
import { isUuid, oneOf } from "@/shared/navigation/parameters";

import type { Filter } from "../queries";

/** The filter is in the URL: it can be shared, and survives going back. */
export function useEntryFilter(): [Filter, (filter: Filter) => void] {
  const [parameters, setParameters] = useSearchParams();
  const valid = (name: string, isValid: (text: string) => boolean) => {
    const text = parameters.get(name);
    return text !== null && isValid(text) ? text : null;
  };
  const isTime = (text: string) => !Number.isNaN(Date.parse(text));
  const after = valid("after", (text) => /^\d{1,15}$/.test(text));
  const filter: Filter = {
    eventId: valid("event", isUuid),
    actorId: valid("actor", isUuid),
    type: oneOf(EntryType, parameters.get("type")),
    from: valid("from", isTime),
    to: valid("to", isTime),
    after: after === null ? null : Number(after),
  };
  const set = ({ eventId, actorId, type, from, to, after: position }: Filter) => {
    const newParameters = { event: eventId, actor: actorId, type, from, to, after: position?.toString() ?? null };
    setParameters(
      Object.entries(newParameters).filter((pair): pair is [string, string] => pair[1] !== null),
      { replace: true },
    );
  };
  return [filter, set];
}
