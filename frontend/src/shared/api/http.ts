import axios, { mergeConfig, type AxiosRequestConfig } from "axios";

import { noteServerTime } from "@/shared/time/server-clock";

import { csrfCookie } from "./csrf-cookie";
import { forgetPosition, recallPosition, rememberPosition } from "./ledger-position";
import { type ApiError, isKind, kindOf, toApiError } from "./problem";
import { reauthenticate } from "./reauthentication";
import { configureRetries } from "./retries";

const POSITION = "Ledger-Position";
const TRY_MILLISECONDS = 10_000;

/** The only HTTP client of the API. The session is an HttpOnly cookie; a second, readable cookie goes into the CSRF header. */
export const client = axios.create({
  timeout: TRY_MILLISECONDS,
  headers: { Accept: "application/json" }, // axios would take text as gladly, which some routes have too
  withCredentials: true,
  xsrfHeaderName: "X-CSRF-Token",
  paramsSerializer: { indexes: null },
});

client.interceptors.request.use((config) => {
  const isQuery = config.method?.toLowerCase() === "get";
  const position = recallPosition();
  if (isQuery && position !== null) config.headers.set(POSITION, position);
  else config.headers.delete(POSITION);
  // The browser may keep public responses: it asks whether they have changed, since what was read before may be what was just changed.
  if (isQuery) config.headers.set("Cache-Control", "max-age=0");
  // Queries need no CSRF header, and axios would wait for the cookie until the page has been drawn.
  config.xsrfCookieName = isQuery ? "" : (csrfCookie() ?? "");
  return config;
});

client.interceptors.response.use(
  (response) => {
    const position: unknown = response.headers["ledger-position"];
    if (response.config.method !== "get" && typeof position === "string") rememberPosition(position);
    // A cache may have kept the others for a while.
    if (response.headers["cache-control"] === "no-store") noteServerTime(response.headers["date"]);
    return response;
  },
  (error: unknown) => {
    if (axios.isAxiosError(error) && kindOf(error.response?.data) === "position-beyond-head") forgetPosition();
    throw error;
  },
);

configureRetries(client);

const positions = new WeakMap<object, number>();

/** The ledger position that a query's response is exact as of. `answer` must be the same object that `http` returned. */
export function positionOf(answer: object): number {
  return positions.get(answer) ?? 0;
}

/**
 * What each function of the generated client calls. Throws ApiError. What needs the password again is sent again after it was given:
 * the refused request left no trace.
 */
export async function http<Answer>(config: AxiosRequestConfig, options?: AxiosRequestConfig): Promise<Answer> {
  try {
    return await send<Answer>(config, options);
  } catch (error) {
    if (!isKind(error, "reauthentication-required") || !(await reauthenticate())) throw error;
    return send<Answer>(config, options);
  }
}

async function send<Answer>(config: AxiosRequestConfig, options?: AxiosRequestConfig): Promise<Answer> {
  try {
    const response = await client.request<Answer>(mergeConfig(options ?? {}, config));
    if (typeof response.data === "object" && response.data !== null) {
      positions.set(response.data, Number(response.headers["ledger-position"] ?? 0));
    }
    return response.data;
  } catch (error) {
    throw toApiError(error);
  }
}

/** Named in the generated client: the error of every call. */
// eslint-disable-next-line @typescript-eslint/no-unused-vars -- the generated client passes the body's type
export type ErrorType<_Body> = ApiError;
export type BodyType<Body> = Body;
