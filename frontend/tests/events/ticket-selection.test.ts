import { expect, it } from "vitest";

import { parseSelection, formatSelection, toBookingLines } from "@/features/events/ticket-selection";

import { category, event } from "../factories";

const concert = event({ categories: [category("General"), category("VIP", { price: "150.00" })] });

it("a selection is written into an address and read again", () => {
  const choice = { "id-of-VIP": 2, "id-of-General": 0 };
  expect(formatSelection(choice)).toBe("id-of-VIP:2");
  expect(parseSelection(formatSelection(choice), concert)).toEqual({ "id-of-VIP": 2 });
});

it.each(["", "x:1", "id-of-VIP", "id-of-VIP:-1", "id-of-VIP:1e9", "id-of-VIP:9999999", "__proto__:3", ",,:::"])(
  "takes nothing from an address that makes no sense: %s",
  (text) => expect(parseSelection(text, concert)).toEqual({}),
);

it("the lines are in the order of the event's categories", () => {
  expect(toBookingLines({ "id-of-VIP": 1, "id-of-General": 2 }, concert)).toEqual([
    { category: "General", quantity: 2, price: "50.00" },
    { category: "VIP", quantity: 1, price: "150.00" },
  ]);
});
