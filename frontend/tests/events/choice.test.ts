import { expect, it } from "vitest";

import { choiceFromText, choiceToText, linesOf } from "@/features/events/choice";
import { saleState } from "@/features/events/sale-state";

import { category, event } from "../made-up";

const concert = event({ categories: [category("General"), category("VIP", { price: "150.00" })] });

it("brings a choice through an address and back", () => {
  const choice = { "id-of-VIP": 2, "id-of-General": 0 };
  expect(choiceToText(choice)).toBe("id-of-VIP:2");
  expect(choiceFromText(choiceToText(choice), concert)).toEqual({ "id-of-VIP": 2 });
});

it.each(["", "x:1", "id-of-VIP", "id-of-VIP:-1", "id-of-VIP:1e9", "id-of-VIP:9999999", "__proto__:3", ",,:::"])(
  "takes nothing from an address that makes no sense: %s",
  (text) => expect(choiceFromText(text, concert)).toEqual({}),
);

it("orders the lines as the event has its categories", () => {
  expect(linesOf({ "id-of-VIP": 1, "id-of-General": 2 }, concert)).toEqual([
    { category: "General", quantity: 2, price: "50.00" },
    { category: "VIP", quantity: 1, price: "150.00" },
  ]);
});

const start = Date.parse(concert.starts_at);

it.each([
  ["on-sale", {}, 5, start - 1],
  ["sold-out", {}, 0, start - 1],
  ["past", {}, 5, start],
  ["not-open", { sales_open_at: "2031-04-01T00:00:00Z" }, 5, Date.parse("2031-03-31T23:59:59Z")],
  ["on-sale", { sales_open_at: "2031-04-01T00:00:00Z" }, 5, Date.parse("2031-04-01T00:00:00Z")],
  ["closed", { sales_close_at: "2031-04-30T00:00:00Z" }, 5, Date.parse("2031-04-30T00:00:00Z")],
  ["cancelled", { status: "cancelled" as const }, 5, start - 1],
  ["completed", { status: "completed" as const }, 0, start + 1],
])("says %s of %o with %i left", (state, more, available, now) => {
  expect(saleState(event(more), available, now)).toBe(state);
});
