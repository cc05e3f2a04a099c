import { AxiosError } from "axios";

import type { Problem } from "./generated/model";

/** The kind for "no response", beside the server's own kinds. */
export const UNREACHABLE = "unreachable";

/** A problem that the API returned (RFC 9457), or no response. `kind` is the last part of the problem's type: `sold-out`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly kind: string;
  readonly status: number;
  readonly problem: Problem;
  /** When the server says so; otherwise 0. */
  readonly retryAfterSeconds: number;

  constructor(problem: Problem, retryAfterSeconds = 0) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
    this.status = problem.status;
    this.kind = problem.type.slice(problem.type.lastIndexOf("/") + 1);
  }

  /** The message for a field of the body that was sent, by its path: `categories.0.price`. */
  get fieldErrors(): Record<string, string> {
    return Object.fromEntries((this.problem.errors ?? []).map(({ path, message }) => [path, message]));
  }
}

/** Whether `error` is a problem of one of these kinds. */
export function isKind<Kind extends string>(error: unknown, ...kinds: Kind[]): error is ApiError & { kind: Kind } {
  return error instanceof ApiError && (kinds as string[]).includes(error.kind);
}

/** Whether a failed command may have been executed. Only a retry with the same Idempotency-Key can tell. */
export function isOutcomeUnknown(error: unknown): boolean {
  return isKind(error, UNREACHABLE, "outcome-unknown");
}

/** Converts an axios error into an ApiError. Returns anything else, such as an aborted request, unchanged. */
export function toApiError(error: unknown): unknown {
  if (!(error instanceof AxiosError) || error.code === AxiosError.ERR_CANCELED) return error;
  const body: unknown = error.response?.data;
  if (isProblem(body)) return new ApiError(body, Number(error.response?.headers["retry-after"] ?? 0));
  const status = error.response?.status ?? 0;
  return new ApiError({ type: `/problems/${UNREACHABLE}`, title: "", status, detail: error.message });
}

/** The kind of the problem in a response body; undefined if there is none. */
export function kindOf(body: unknown): string | undefined {
  return isProblem(body) ? new ApiError(body).kind : undefined;
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "type" in body && "status" in body && "detail" in body;
}
