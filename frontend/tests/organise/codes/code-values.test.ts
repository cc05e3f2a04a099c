import { expect, it } from "vitest";

import { EMPTY, toNewCodes, validateCodes, type CodeValues } from "@/features/organise/codes/code-values";

import { event } from "../../factories";

const NOW = Date.parse("2030-06-01T12:00:00Z");
const concert = event({ timezone: "Europe/Berlin", currency: "EUR" });
const word = (more: Partial<CodeValues> = {}): CodeValues => ({
  ...EMPTY,
  value: "10",
  code: "EARLY",
  max_tickets: "100",
  ...more,
});
const many = (more: Partial<CodeValues> = {}) => word({ kind: "many", code: "", count: "200", ...more });

it.each<[string, CodeValues]>([
  ["a word", word()],
  ["a percentage with decimals", word({ value: "12,5 %" })],
  ["all of the price", word({ value: "100" })],
  ["an amount in a local notation", word({ effect: "fixed", value: "€ 5,00" })],
  ["access", word({ effect: "access", value: "" })],
  ["many codes", many({ prefix: "SPRING-24", max_tickets: "1" })],
  ["a span", word({ valid_from: "2020-01-01 10:00:00", valid_until: "2030-06-01 14:01:00" })],
])("%s is valid", (_, values) => {
  expect(validateCodes(values, concert, NOW)).toEqual({});
});

it.each<[string, CodeValues, string[]]>([
  ["nothing entered", EMPTY, ["value", "max_tickets", "code"]],
  ["nothing off", word({ value: "0" }), ["value"]],
  ["more than all", word({ value: "100.01" }), ["value"]],
  ["thousandths of a percent", word({ value: "1.005" }), ["value"]],
  ["an amount of nothing", word({ effect: "fixed", value: "0.00" }), ["value"]],
  ["another currency", word({ effect: "fixed", value: "$5" }), ["value"]],
  ["three letters", word({ code: "ABC" }), ["code"]],
  ["strange letters", word({ code: "FRÜH BIRD" }), ["code"]],
  ["a hyphen at the end", word({ code: "EARLY-" }), ["code"]],
  ["too many codes", many({ count: "10001" }), ["count"]],
  ["a prefix of one letter", many({ prefix: "A" }), ["prefix"]],
  ["half a ticket", many({ max_tickets: "0.5" }), ["max_tickets"]],
  ["an end in the past", word({ valid_until: "2030-06-01 13:59:00" }), ["valid_until"]],
  [
    "an end before the beginning",
    word({ valid_from: "2031-01-02 10:00:00", valid_until: "2031-01-01 10:00:00" }),
    ["valid_until"],
  ],
])("%s is refused at its field", (_, values, paths) => {
  expect(Object.keys(validateCodes(values, concert, NOW)).toSorted()).toEqual(paths.toSorted());
});

it("a word is sent without count and prefix, and times as instants", () => {
  const values = word({ value: "12,5", count: "7", prefix: "LEFT", valid_until: "2031-01-01 10:00:00" });
  expect(toNewCodes(values, concert)).toEqual({
    effect: "percent",
    value: "12.5",
    max_tickets: 100,
    categories: [],
    code: "EARLY",
    valid_until: "2031-01-01T09:00:00.000Z",
  });
});

it("many codes are sent without a word, and access without a value", () => {
  const values = many({
    effect: "access",
    code: "LEFT",
    prefix: " spring ",
    count: "1,000",
    categories: ["id-of-VIP"],
  });
  expect(toNewCodes(values, concert)).toEqual({
    effect: "access",
    max_tickets: 100,
    categories: ["id-of-VIP"],
    count: 1000,
    prefix: "spring",
  });
});
