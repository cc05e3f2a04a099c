import { queryOptions } from "@tanstack/react-query";

import { getAbout } from "@/shared/api/generated/system/system";

import { queryKey } from "./query-key";

/** The installation: its name, its version, its currency, and the accounts of a demo. */
export function aboutQuery() {
  return queryOptions({ queryKey: queryKey("about"), queryFn: ({ signal }) => getAbout(undefined, signal) });
}
