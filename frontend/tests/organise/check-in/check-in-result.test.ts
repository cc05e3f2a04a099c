import { describe, expect, it } from "vitest";

import { toAdmission, toFailedResult } from "@/features/organise/check-in/check-in-result";
import { ApiError } from "@/shared/api/problem";

const now = Date.parse("2030-05-01T20:12:00Z");
const problem = (kind: string, status: number, more = {}) =>
  new ApiError({ type: `/problems/${kind}`, title: "", status, detail: "", ...more });

describe("the result of a check-in", () => {
  it("admits a valid ticket and shows its category", () => {
    expect(toAdmission({ id: "1", code: "A", category: "VIP", status: "used" })).toEqual({ answer: "yes", why: "VIP" });
  });

  it("refuses a used ticket and shows when it was used", () => {
    const { answer, why } = toFailedResult(
      problem("ticket-already-used", 409, { used_at: "2030-05-01T20:00:00Z" }),
      now,
      "EUR",
    );
    expect(answer).toBe("no");
    expect(why).toContain("12 minutes ago");
    expect(toFailedResult(problem("ticket-already-used", 409), now, "EUR").why).toBe(
      "This ticket has already been used.",
    );
  });

  it("refuses a ticket that is not paid, and says what is due", () => {
    const result = toFailedResult(problem("payment-due", 409, { due_amount: "100.00" }), now, "EUR");
    expect(result).toEqual({ answer: "no", why: "Not paid: €100.00 is due for this booking.", due: "100.00" });
  });

  it.each([
    ["ticket-cancelled", 409, "no", "was cancelled"],
    ["wrong-event", 409, "no", "another event"],
    ["invalid-code", 422, "no", "Not a valid ticket code"],
    ["booking-not-found", 404, "no", "No booking"],
    ["unreachable", 0, "unclear", "can't be reached"],
    ["outcome-unknown", 503, "unclear", "can't be reached"],
    ["internal-error", 500, "unclear", "Check the same ticket again"],
  ])("%s (%i) is %s", (kind, status, answer, said) => {
    const result = toFailedResult(problem(kind, status), now, "EUR");
    expect(result.answer).toBe(answer);
    expect(result.why).toContain(said);
  });

  it.each([
    ["cancelled", "The event has been cancelled."],
    ["completed", "The event has been completed."],
    ["past", "The event is over."],
  ])("refuses all tickets of an event that is %s", (reason, said) => {
    expect(toFailedResult(problem("event-not-bookable", 409, { reason }), now, "EUR")).toEqual({
      answer: "no",
      why: said,
    });
  });
});
