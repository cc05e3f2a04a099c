import { WebhookType } from "@/shared/api/generated/model";

import { webhooksText as text } from "./strings";

const ALL: WebhookType = "*";

/** All types but `*`. */
export const TYPES = Object.values(WebhookType).filter((type) => type !== ALL);

export function isEverything(types: readonly WebhookType[]): boolean {
  return types.includes(ALL);
}

export function describeTypes(types: readonly WebhookType[]): string {
  return isEverything(types) ? text.everything : text.types(types.length);
}
