import type { Category } from "@/shared/api/generated/model";

/** Whether the category is sold only with a promo code now, for display. The API decides. */
export function isSoldOnlyWithCode({ needs_code, needs_code_until }: Category, now: number): boolean {
  return needs_code && (needs_code_until === null || now < Date.parse(needs_code_until));
}
