import { useNavigate } from "react-router";

/** Opens an address: of this page without loading it anew, of another site instead of it. */
export function useOpenUrl(): (url: string) => void {
  const navigate = useNavigate();
  return (url) => {
    const { origin, pathname, search, hash, href } = new URL(url, location.origin);
    if (origin === location.origin) void navigate(pathname + search + hash);
    else location.assign(href);
  };
}
