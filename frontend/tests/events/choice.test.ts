import { expect, it } from "vitest";

import { choiceFromText, choiceToText, linesOf } from "@/features/events/choice";

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
