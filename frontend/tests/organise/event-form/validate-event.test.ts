import { describe, expect, it } from "vitest";

import {
  normaliseValues,
  emptyValues,
  newCategory,
  toChanges,
  toCreate,
  type EventValues,
} from "@/features/organise/event-form/event-values";
import { validateEvent, type ValidationContext } from "@/features/organise/event-form/validate-event";
import { decimalsOf } from "@/shared/formatting/money";

const now = Date.parse("2030-01-01T00:00:00Z");
const context: ValidationContext = { now, base: null, taken: {} };
const general = { ...newCategory(), name: "General", price: "12.50", capacity: 10 };
const valid: EventValues = {
  ...emptyValues("EUR"),
  name: "Concert",
  timezone: "Europe/Berlin",
  starts_at: "2030-05-01 20:00:00",
  categories: [general],
};
const category = (changes: object): EventValues => ({
  ...valid,
  categories: [{ ...general, ...changes }],
});

describe("the form's values", () => {
  it("are accepted if they are valid", () => {
    expect(validateEvent(valid, context)).toEqual({});
    expect(validateEvent(category({ price: 0, capacity: "1000000" }), context)).toEqual({});
  });

  it.each([
    [{ name: "  " }, "name", "Required."],
    [{ name: "x".repeat(201) }, "name", "At most 200 characters."],
    [{ starts_at: null }, "starts_at", "Required."],
    [{ starts_at: "2030-01-01 00:59:00" }, "starts_at", "Must be in the future, unless sales close in the future."],
    [
      { starts_at: "2029-12-01 10:00:00", sales_close_at: "2029-12-31 10:00:00" },
      "starts_at",
      "Must be in the future, unless sales close in the future.",
    ],
    [{ show_at: "2030-05-01 19:59:00" }, "show_at", "Must not be before the start."],
    [{ ends_at: "2030-05-01 20:00:00" }, "ends_at", "Must be after the start."],
    [
      { sales_open_at: "2030-02-02 00:00:00", sales_close_at: "2030-02-01 00:00:00" },
      "sales_close_at",
      "Must be after sales open.",
    ],
    [{ hold_minutes: "" }, "hold_minutes", "A whole number from 1 to 120."],
    [{ hold_minutes: 121 }, "hold_minutes", "A whole number from 1 to 120."],
    [{ max_tickets_per_customer: 0 }, "max_tickets_per_customer", "A whole number from 1 to 1,000,000, or empty."],
    [{ categories: [] }, "categories", "1 to 50 categories."],
  ])("with %j are refused at the field", (changes, path, message) => {
    expect(validateEvent({ ...valid, ...changes }, context)).toEqual({ [path]: message });
  });

  it.each([
    [{ price: "" }, "price"],
    [{ price: "1e3" }, "price"],
    [{ price: "-1" }, "price"],
    [{ price: "1.005" }, "price"],
    [{ price: "10000000000" }, "price"],
    [{ capacity: "" }, "capacity"],
    [{ capacity: 1.5 }, "capacity"],
    [{ capacity: 1_000_001 }, "capacity"],
    [{ name: "" }, "name"],
  ])("with a category of %j are refused", (changes, name) => {
    expect(Object.keys(validateEvent(category(changes), context))).toEqual([`categories.0.${name}`]);
  });

  it.each([
    ["1,234", "Thousands or decimals? Enter it without a thousands separator: 1234 or 12.34."],
    ["-5", "A price can't be negative."],
    ["$5", "The prices of this event are in EUR."],
  ])("with a price of %s are refused with the reason", (price, message) => {
    expect(validateEvent(category({ price }), context)).toEqual({ "categories.0.price": message });
  });

  it("are converted to the request", () => {
    const typed = { ...category({ price: "€ 1.234,50", capacity: "1,000" }), max_tickets_per_customer: "1 000" };
    expect(validateEvent(typed, context)).toEqual({});
    const { max_tickets_per_customer, categories } = toCreate(normaliseValues(typed));
    expect([max_tickets_per_customer, categories]).toEqual([
      1000,
      [{ name: "General", price: "1234.50", capacity: 1000 }],
    ]);
  });

  it("with a repeated category name are refused at the second one", () => {
    const twice = {
      ...valid,
      categories: [general, { ...general, key: "2", name: " General " }],
    };
    expect(validateEvent(twice, context)).toEqual({ "categories.1.name": "Category names must be unique." });
  });

  it("with decimals of a yen are refused", () => {
    expect(decimalsOf("JPY")).toBe(0);
    expect(validateEvent({ ...valid, currency: "JPY" }, context)).toEqual({
      "categories.0.price": "A whole amount, 0 or more.",
    });
  });

  it("with a capacity below the seats taken are refused", () => {
    const edited = category({ id: "g", capacity: 3 });
    expect(validateEvent(edited, { ...context, taken: { g: 4 } })).toEqual({
      "categories.0.capacity": "4 seats are already taken.",
    });
  });

  it("may keep the start of an event that has begun", () => {
    const begun = { ...valid, starts_at: "2029-12-31 20:00:00" };
    expect(validateEvent({ ...begun, name: "Renamed" }, { ...context, base: begun })).toEqual({});
  });
});

describe("the limit of tickets a customer", () => {
  it("is proposed, and may be removed", () => {
    expect(toCreate(valid).max_tickets_per_customer).toBe(10);
    expect(toCreate({ ...valid, max_tickets_per_customer: "" })).not.toHaveProperty("max_tickets_per_customer");
  });

  it("makes guests prove their address, as a limit needs, and only while there is one", () => {
    expect(toCreate(valid).guest_checkout).toBe("proven");
    expect(toCreate({ ...valid, max_tickets_per_customer: "" }).guest_checkout).toBe("open");
    expect(toCreate({ ...valid, guest_checkout: "off" }).guest_checkout).toBe("off");
  });
});

describe("a date", () => {
  const exhibition: EventValues = { ...valid, starts_at: "2029-12-01 10:00:00", sales_close_at: "2030-02-01 18:00:00" };
  const voucher: EventValues = {
    ...valid,
    date: "open",
    ends_at: "2030-05-01 23:00:00",
    show_at: "2030-05-01 21:00:00",
  };

  it("may be past if sales continue", () => {
    expect(validateEvent(exhibition, context)).toEqual({});
    expect(toCreate(exhibition)).toMatchObject({
      starts_at: "2029-12-01T09:00:00.000Z",
      sales_close_at: "2030-02-01T17:00:00.000Z",
    });
  });

  it("that is open needs no start, and removes the times that depend on it", () => {
    expect(validateEvent({ ...voucher, starts_at: null, ends_at: "2020-01-01 00:00:00" }, context)).toEqual({});
    expect(toCreate(normaliseValues(voucher))).toMatchObject({ starts_at: null });
    for (const name of ["ends_at", "show_at"]) expect(toCreate(normaliseValues(voucher))).not.toHaveProperty(name);
  });

  it("is converted from an event, and back", () => {
    const dated = { ...valid, ends_at: "2030-05-01 23:00:00", show_at: "2030-05-01 21:00:00" };
    expect(toChanges(dated, normaliseValues({ ...dated, date: "open" }))).toEqual({
      starts_at: null,
      ends_at: null,
      show_at: null,
    });
    const open: EventValues = { ...valid, date: "open", starts_at: null };
    expect(toChanges(open, valid)).toEqual({ starts_at: "2030-05-01T18:00:00.000Z" });
    expect(validateEvent({ ...valid, starts_at: "2029-05-01 20:00:00" }, { ...context, base: open })).toHaveProperty(
      "starts_at",
    );
  });

  it("may have a show after the start", () => {
    expect(toCreate({ ...valid, show_at: "2030-05-01 21:00:00" })).toMatchObject({
      show_at: "2030-05-01T19:00:00.000Z",
    });
    const early = { ...valid, show_at: "2030-05-01 19:00:00" };
    expect(validateEvent({ ...early, name: "Renamed" }, { ...context, base: early })).toEqual({});
  });
});

describe("how an event is paid", () => {
  const onSite: EventValues = { ...valid, payment: ["box_office"] };
  const terms = { policy: "online", methods: ["box_office"] };

  it("is elsewhere unless it is said", () => {
    expect(toCreate(valid)).not.toHaveProperty("payment");
    expect(toCreate(onSite).payment).toEqual(terms);
  });

  it("is by at least one method, unless it is elsewhere", () => {
    expect(validateEvent({ ...valid, payment: [] }, context)).toEqual({ payment: "Choose at least one." });
    expect(validateEvent({ ...valid, payment: ["box_office", "demo"] }, context)).toEqual({});
  });

  it("is sent only if it was changed", () => {
    expect(toChanges(onSite, onSite)).toEqual({});
    expect(toChanges(valid, onSite)).toEqual({ payment: terms });
    expect(toChanges(onSite, valid)).toEqual({ payment: { policy: "elsewhere" } });
  });
});
