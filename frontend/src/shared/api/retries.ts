import axiosRetry, { exponentialDelay } from "axios-retry";
import { AxiosError, type AxiosInstance } from "axios";

import { kindOf } from "./problem";

const RETRIES = 4;
const FIRST_WAIT_MILLISECONDS = 200;
/** A longer `Retry-After` is shown to the user instead. */
const LONGEST_WAIT_SECONDS = 5;

/**
 * Retries idempotent requests, which are queries and commands with an Idempotency-Key: after a 429, 502, 503 or 504, which may name
 * a `Retry-After`, and if no response arrived.
 */
export function configureRetries(client: AxiosInstance): void {
  axiosRetry(client, {
    retries: RETRIES,
    shouldResetTimeout: true,
    retryCondition: isRetryable,
    retryDelay: (count, error) => exponentialDelay(count, error, FIRST_WAIT_MILLISECONDS),
  });
}

export function isRetryable(error: AxiosError): boolean {
  if (error.code === AxiosError.ERR_CANCELED || !isIdempotent(error)) return false;
  const response = error.response;
  if (response === undefined) return true;
  if (kindOf(response.data) === "position-beyond-head") return true;
  const wait = Number(response.headers["retry-after"] ?? 0);
  return [429, 502, 503, 504].includes(response.status) && wait <= LONGEST_WAIT_SECONDS;
}

function isIdempotent(error: AxiosError): boolean {
  const isQuery = error.config?.method?.toLowerCase() === "get";
  return isQuery || Boolean(error.config?.headers.has("Idempotency-Key"));
}
