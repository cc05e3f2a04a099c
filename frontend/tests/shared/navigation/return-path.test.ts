import { expect, it } from "vitest";

import { safeReturnPath, signInPath } from "@/shared/navigation/return-path";

it.each(["/", "/bookings", "/events/1?seats=a:2#form"])("%s is a valid return path", (path) => {
  expect(safeReturnPath(path)).toBe(path);
  expect(safeReturnPath(new URLSearchParams(signInPath(path).split("?")[1]).get("return"))).toBe(path);
});

it.each([
  null, "", "bookings", "https://evil.test/", "//evil.test/", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "javascript:alert(1)",
  "/%2f/../..//evil.test", "///evil.test",
])("%s, which leads to another site, is refused", (path) => {
  const safe = safeReturnPath(path);
  expect(new URL(safe, location.origin).origin).toBe(location.origin);
  expect(safe).toMatch(/^\/(?![/\\])/);
}); // prettier-ignore
