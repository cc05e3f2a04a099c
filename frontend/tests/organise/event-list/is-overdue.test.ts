import { expect, it } from "vitest";

import { isOverdue } from "@/features/organise/event-list/is-overdue";
import type { Event } from "@/shared/api/generated/model";

import { event } from "../../factories";

const [FIRST, SECOND, THIRD] = ["2030-05-01T10:00:00Z", "2030-05-02T10:00:00Z", "2030-05-03T10:00:00Z"];
const after = (at: string) => Date.parse(at) + 1;

it.each<[string, Partial<Event>, number, boolean]>([
  ["a concert that is going on", { starts_at: FIRST, ends_at: SECOND }, after(FIRST), false],
  ["a concert that has ended", { starts_at: FIRST, ends_at: SECOND }, after(SECOND), true],
  ["a concert without an end", { starts_at: FIRST }, after(FIRST), true],
  ["an exhibition that still sells", { starts_at: FIRST, sales_close_at: THIRD }, after(SECOND), false],
  [
    "an exhibition that sells past its end",
    { starts_at: FIRST, ends_at: SECOND, sales_close_at: THIRD },
    after(SECOND),
    false,
  ],
  ["an exhibition that is over", { starts_at: FIRST, ends_at: THIRD, sales_close_at: SECOND }, after(THIRD), true],
  ["a voucher whose sales closed", { starts_at: null, sales_close_at: FIRST }, after(THIRD), false],
  ["a completed concert", { starts_at: FIRST, status: "completed" }, after(THIRD), false],
])("%s", (_, more, now, expected) => {
  expect(isOverdue(event(more), now)).toBe(expected);
});
