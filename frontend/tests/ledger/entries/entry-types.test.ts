import { describe, expect, it } from "vitest";

import { describeEntry, nameEntryType } from "@/features/ledger/entries/entry-types";
import type { Entry } from "@/shared/api/generated/model";

const entry = (type: string, body: Record<string, unknown>, position = 1): Entry => ({
  position,
  event_id: "e",
  version: 1,
  type,
  topic: `${type}/1`,
  at: null,
  actor_id: null,
  request_id: null,
  body,
});

describe("an entry's summary", () => {
  it.each([
    ["event-scheduled", { details: { name: "Gala" }, categories: [{ capacity: 3 }, { capacity: 4 }] }, "Gala, 7 seats"],
    [
      "seats-booked",
      {
        lines: [
          [1, "General", 2, 5000],
          [2, "VIP", 1, 15000],
        ],
      },
      "2 × General, 1 × VIP",
    ],
    ["booking-cancelled", { whole: true, tickets: [0, 1] }, "All tickets of the booking"],
    ["booking-cancelled", { whole: false, tickets: [1] }, "1 ticket of the booking"],
    ["ticket-used", { ticket: 0 }, "Ticket 1 of the booking"],
    ["seats-held", { lines: [[1, "General", 2, 5000]] }, "2 × General"],
    ["holds-lapsed", { hold_ids: ["a"] }, "1 hold"],
    ["holds-lapsed", { hold_ids: ["a", "b"] }, "2 holds"],
    ["event-cancelled", {}, ""],
    ["payment-received", { amount: 10_050, currency: "EUR", method: "bank" }, "€100.50, bank transfer"],
    ["payment-received", {}, ""],
    ["refund-owed", { reason: "cancelled" }, "For cancelled tickets"],
    ["refund-paid", { method: "cash" }, "Cash"],
    ["capacity-changed", { category: 2, capacity: 1200 }, "Category 2 has 1,200 seats"],
  ])("%s", (type, body, said) => {
    expect(describeEntry(entry(type, body))).toBe(said);
  });

  it("of an unknown type, or of unreadable bytes, is empty", () => {
    expect(describeEntry(entry("seats-moved", { to: 5 }))).toBe("");
    expect(nameEntryType("seats-moved")).toBe("seats-moved");
    expect(describeEntry(entry("", { unreadable: "AAEC" }))).toBe("");
    expect(describeEntry(entry("seats-booked", { lines: "broken" }))).toBe("");
  });
});
