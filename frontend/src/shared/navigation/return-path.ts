/** The name of the query parameter that says where to go after signing in. */
export const RETURN_PARAMETER = "return";

/** `path` if it is on this site, otherwise the front page: a link must not redirect to another site after sign-in. */
export function safeReturnPath(path: string | null): string {
  if (path === null || !path.startsWith("/")) return "/";
  try {
    const url = new URL(path, location.origin);
    return url.origin === location.origin ? url.pathname.replace(/^\/+/, "/") + url.search + url.hash : "/";
  } catch {
    return "/";
  }
}

/** The address of the sign-in page that leads back to `path`. */
export function signInPath(path: string): string {
  return `/sign-in?${new URLSearchParams({ [RETURN_PARAMETER]: path })}`;
}
