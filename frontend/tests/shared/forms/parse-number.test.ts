import { faker } from "@faker-js/faker";
import { describe, expect, it } from "vitest";

import { parseNumber, parsePrice } from "@/shared/forms/parse-number";

describe("a price", () => {
  it.each([
    ["12,50", "12.50"],
    ["12.50", "12.50"],
    ["12", "12"],
    ["12,", "12"], // on the way to 12,50
    ["12,5", "12.5"],
    ["12,5000", "12.50"],
    ["0", "0"],
    ["007", "7"],
    [",50", "0.50"],
    ["0,50", "0.50"],
    ["1.234,50", "1234.50"],
    ["1,234.50", "1234.50"],
    ["1 234,50", "1234.50"],
    ["1\u202f234,50", "1234.50"],
    ["1'234.50", "1234.50"],
    ["1’234.50", "1234.50"],
    ["1.234.567", "1234567"],
    ["1,234,567.89", "1234567.89"],
    ["1234567,89", "1234567.89"],
    ["€ 12.50", "12.50"],
    ["€12,50", "12.50"],
    ["12,50 €", "12.50"],
    ["12.50 EUR", "12.50"],
    ["eur 12.50", "12.50"],
    ["12 euros", "12"],
    ["  12.50\t", "12.50"],
    ["12.50", "12.50"],
  ])("%j is %s", (typed, value) => expect(parsePrice(typed, "EUR")).toEqual({ value, problem: null }));

  it.each([
    ["", "empty"],
    ["   ", "empty"],
    ["-5", "negative"],
    ["−5", "negative"],
    ["-€5", "negative"],
    ["€ -5", "negative"],
    ["-0", "negative"],
    ["1,234", "ambiguous"],
    ["1.234", "ambiguous"],
    ["€ 12,500", "ambiguous"],
    ["12.505", "ambiguous"],
    ["0.505", "decimals"],
    ["1234.567", "decimals"],
    ["1 234,567", "decimals"],
    ["$12.50", "other-currency"],
    ["12.50 USD", "other-currency"],
    ["12 dollars", "other-currency"],
    ["€", "unreadable"],
    ["-", "unreadable"],
    [".", "unreadable"],
    ["1e3", "unreadable"],
    ["12 50", "unreadable"],
    ["1.23,50", "unreadable"],
    ["1,23,456.00", "unreadable"],
    ["1.234,567.89", "unreadable"],
    ["12.50.", "unreadable"],
    ["12,-", "unreadable"],
    ["12.50 / 8.00", "unreadable"],
    ["NaN", "unreadable"],
  ])("%j is refused: %s", (typed, problem) => expect(parsePrice(typed, "EUR")).toEqual({ value: null, problem }));

  it.each([
    ["1,234", "JPY", "1234"],
    ["¥1.234", "JPY", "1234"],
    ["¥ 1,234", "JPY", "1234"],
    ["1200.00", "JPY", "1200"],
    ["1.234", "KWD", "1.234"],
    ["US$ 5", "USD", "5"],
    ["$5", "USD", "5"],
    ["100 kr.", "DKK", "100"],
    ["kr 100", "SEK", "100"],
    ["Fr. 12.50", "CHF", null],
    ["12,50", "JPY", null],
    ["1,234", "KWD", null],
  ])("%j of %s is %s", (typed, currency, value) => expect(parsePrice(typed, currency).value).toBe(value));

  it("in any country's notation is that price or is refused, and never another one", () => {
    const locales = ["en-GB", "de-DE", "de-CH", "de-AT", "fr-FR", "es-ES", "pt-BR", "pl-PL", "sv-SE", "ja-JP", "en-IN"];
    let accepted = 0;
    const currencies = ["EUR", "USD", "JPY"]; // of three decimals, 1.234 is an amount as this page itself writes it
    for (let round = 0; round < 4_000; round += 1) {
      const currency = faker.helpers.arrayElement(currencies);
      const style = faker.helpers.arrayElement(["currency", "decimal"] as const);
      const format = new Intl.NumberFormat(faker.helpers.arrayElement(locales), { style, currency });
      const amount = faker.number.int({ max: 10 ** faker.number.int({ min: 2, max: 9 }) }) / 100;
      const typed = format.format(amount);
      const { value } = parsePrice(typed, currency);
      if (value === null) continue;
      accepted += 1;
      const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
      expect(Number(value), typed).toBe(Number(amount.toFixed(digits)));
    }
    expect(accepted).toBeGreaterThan(2_000);
  });
});

describe("a whole number", () => {
  it.each([
    ["3", "3"],
    ["1,000", "1000"],
    ["1 000", "1000"],
    ["2.0", "2"],
  ])("%j is %s", (typed, value) => expect(parseNumber(typed, 0).value).toBe(value));

  it.each(["", "-3", "1.5", "1e3", "three", "3 seats", "12 50", "0x10", "3-4"])("%j is refused", (typed) =>
    expect(parseNumber(typed, 0).value).toBeNull(),
  );
});
