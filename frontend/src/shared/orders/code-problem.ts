import type { Problem } from "@/shared/api/generated/model";
import { formatDateTime } from "@/shared/formatting/date-times";
import { promoCodesText } from "@/shared/strings/promo-codes";

const text = promoCodesText.problems;
const SHORTEST_WAIT_SECONDS = 1;

/** A refused order: `kind` is the kind of the problem. */
interface Refusal {
  kind: string;
  problem: Problem | null;
  retryAfterSeconds: number;
}

interface Context {
  /** Times are said in this one. */
  timeZone: string;
  /** Milliseconds. */
  now: number;
  /** Whether a promo code was sent. */
  hasCode: boolean;
}

/** What is wrong with the promo code of an order, to be said at its field; null: something else is wrong. */
export function describeCodeProblem({ kind, problem, retryAfterSeconds }: Refusal, context: Context): string | null {
  switch (kind) {
    case "code-unknown":
      return text.unknown;
    case "code-not-valid-now":
      return whenValid(problem, context);
    case "code-not-for-category": {
      const categories = problem?.categories ?? [];
      return categories.length === 0 ? text.noCategory : text.otherCategories(categories);
    }
    case "code-spent": {
      const left = problem?.left ?? 0;
      return left === 0 ? text.usedUp : text.fewLeft(left);
    }
    case "code-required":
      return (context.hasCode ? text.otherRequired : text.required)(problem?.category ?? "");
    case "too-many-codes":
      return text.tooMany(Math.max(SHORTEST_WAIT_SECONDS, retryAfterSeconds));
    case "malformed": // it is far too long, or has strange characters
      return problem?.errors?.some(({ path }) => path === "code") === true ? text.unknown : null;
    default:
      return null;
  }
}

function whenValid(problem: Problem | null, { timeZone, now }: Context): string {
  const [from, until] = [problem?.valid_from, problem?.valid_until];
  if (typeof from === "string" && Date.parse(from) > now) return text.notYet(formatDateTime(from, timeZone));
  return typeof until === "string" ? text.over(formatDateTime(until, timeZone)) : text.withdrawn;
}
