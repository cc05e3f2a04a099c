import { useSearchParams } from "react-router";

import type { Filter } from "./queries";

const DAY = /^[12]\d{3}-\d{2}-\d{2}$/;

/** The filter is in the URL: it can be shared, and survives going back. */
export function useEventFilter(): [Filter, (filter: Filter) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = (changed: Filter) => {
    const newParameters = Object.entries(changed).filter(([, value]) => Boolean(value)) as [string, string][];
    setParameters(newParameters, { replace: true });
  };
  return [parseEventFilter(parameters), set];
}

/** Parses the filter of a URL; invalid parts are ignored. */
export function parseEventFilter(parameters: URLSearchParams): Filter {
  const day = (name: string) => {
    const text = parameters.get(name) ?? "";
    return DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
  };
  const from = day("from");
  return { q: (parameters.get("q") ?? "").slice(0, 200), from, to: from === null ? null : (day("to") ?? from) };
}
