import { expect, it } from "vitest";

import { PaymentState } from "@/shared/api/generated/model";
import { isUuid, oneOf } from "@/shared/navigation/parameters";

it("names one of the values, or none", () => {
  expect(oneOf(PaymentState, "refund-due")).toBe("refund-due");
  for (const other of [null, "", "paid", "toString", "constructor"]) expect(oneOf(PaymentState, other)).toBeNull();
});

it("is an id if it is a UUID", () => {
  expect(isUuid("00000000-0000-4000-8000-00000000000A")).toBe(true);
  for (const other of ["", "1", "00000000-0000-4000-8000-00000000000A "]) expect(isUuid(other)).toBe(false);
});
