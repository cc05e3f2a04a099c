import { useEffect } from "react";
import { useLocation, useNavigate } from "react-router";

/**
 * The token of a link that was mailed: what follows its #, or null. It is moved from the address bar, which people copy and show,
 * into the state of this entry of the history, where a reload finds it.
 */
export function useLinkToken(): string | null {
  const location = useLocation();
  const { hash, pathname, search } = location;
  const state: unknown = location.state;
  const navigate = useNavigate();
  const token = hash.length > 1 ? hash.slice(1) : storedToken(state);
  useEffect(() => {
    if (hash.length > 1) void navigate({ pathname, search }, { replace: true, state: { token: hash.slice(1) } });
  }, [hash, pathname, search, navigate]);
  return token;
}

function storedToken(state: unknown): string | null {
  return typeof state === "object" && state !== null && "token" in state && typeof state.token === "string"
    ? state.token
    : null;
}
