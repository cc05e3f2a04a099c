/** Browsers take a cookie of the first name over HTTPS from this very host alone: the API uses it where its cookies are for HTTPS only. */
const NAMES = ["__Host-seatledger_csrf", "seatledger_csrf"];

/** The name of the readable cookie that the API sets with a session; undefined without a session. */
export function csrfCookie(): string | undefined {
  const cookies = document.cookie.split("; ");
  return NAMES.find((name) => cookies.some((cookie) => cookie.startsWith(`${name}=`)));
}
