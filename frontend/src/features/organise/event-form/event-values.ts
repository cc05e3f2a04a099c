import type {
  EditedCategory,
  Event,
  EventChanges,
  GuestCheckout,
  NewEvent,
  NewPaymentTerms,
  PaymentMethod,
} from "@/shared/api/generated/model";
import { parseNumber, parsePrice } from "@/shared/forms/parse-number";
import { isPaidHere } from "@/shared/payments/payable";
import { getBrowserTimeZone, toInstant, toWallClock } from "@/shared/time/wall-clock";

import { poolsOf, samePools, toEditedPool, toNewPool, type PoolValues } from "./pool-values";

/** A category as entered. `id` null: a new one. `key` identifies it while the form is open. */
export interface CategoryValues {
  key: string;
  id: string | null;
  name: string;
  price: string | number;
  capacity: string | number;
}

/** An event as entered, by the API's names. Times are wall-clock times at the venue; "" and null are empty. */
export interface EventValues {
  name: string;
  venue: string;
  description: string;
  timezone: string;
  currency: string;
  /** `open`: the times of a dated event are ignored, but kept in case the choice is changed back. */
  date: "set" | "open";
  starts_at: string | null;
  show_at: string | null;
  ends_at: string | null;
  sales_open_at: string | null;
  sales_close_at: string | null;
  max_tickets_per_customer: string | number;
  /** For how long seats are held for somebody who is about to book them. */
  hold_minutes: string | number;
  /** `open` means `proven` while there is a limit (`guestCheckoutOf`). */
  guest_checkout: GuestCheckout;
  /** By which methods it can be paid through Seatledger; null: payment is taken elsewhere. */
  payment: PaymentMethod[] | null;
  categories: CategoryValues[];
  pools: PoolValues[];
}

export const TIMES = ["starts_at", "show_at", "ends_at", "sales_open_at", "sales_close_at"] as const;
export type TimeName = (typeof TIMES)[number];
const TEXTS = ["name", "venue", "description", "timezone"] as const;

const PLAIN = /^\d+(\.\d+)?$/;

export function newCategory(): CategoryValues {
  return { key: crypto.getRandomValues(new Uint32Array(2)).join("-"), id: null, name: "", price: "", capacity: "" };
}

/** Of tickets a customer, so that nobody buys all of them: more than a group needs, and less than a tout. */
const PROPOSED_LIMIT = 10;

/** To enter a name and an address, or to sign up. */
const PROPOSED_HOLD_MINUTES = 15;

export function emptyValues(currency: string): EventValues {
  return {
    name: "",
    venue: "",
    description: "",
    timezone: getBrowserTimeZone(),
    currency,
    date: "set",
    starts_at: null,
    show_at: null,
    ends_at: null,
    sales_open_at: null,
    sales_close_at: null,
    max_tickets_per_customer: PROPOSED_LIMIT,
    hold_minutes: PROPOSED_HOLD_MINUTES,
    guest_checkout: "open",
    payment: null,
    categories: [newCategory()],
    pools: [],
  };
}

export function valuesOf(event: Event): EventValues {
  const wall = (instant: string | null) => (instant === null ? null : toWallClock(instant, event.timezone));
  return {
    name: event.name,
    venue: event.venue,
    description: event.description,
    timezone: event.timezone,
    currency: event.currency,
    date: event.starts_at === null ? "open" : "set",
    starts_at: wall(event.starts_at),
    show_at: wall(event.show_at),
    ends_at: wall(event.ends_at),
    sales_open_at: wall(event.sales_open_at),
    sales_close_at: wall(event.sales_close_at),
    max_tickets_per_customer: event.max_tickets_per_customer ?? "",
    hold_minutes: event.hold_minutes,
    guest_checkout: event.guest_checkout,
    payment: isPaidHere(event) ? event.payment.methods : null,
    categories: event.categories.map(({ id, name, price, capacity }) => ({ key: id, id, name, price, capacity })),
    pools: poolsOf(event),
  };
}

/** The values in the API's notation: `12,50` as `12.50`. An entry that can't be parsed is kept. */
export function normaliseValues(values: EventValues): EventValues {
  return {
    ...(values.date === "open" ? withOpenDate(values) : values),
    max_tickets_per_customer: normaliseNumber(values.max_tickets_per_customer),
    hold_minutes: normaliseNumber(values.hold_minutes),
    guest_checkout: guestCheckoutOf(values),
    categories: values.categories.map((category) => ({
      ...category,
      price: normalisePrice(category.price, values.currency),
      capacity: normaliseNumber(category.capacity),
    })),
    pools: values.pools.map((pool) => ({ ...pool, capacity: normaliseNumber(pool.capacity) })),
  };
}

/** How guests book: with a limit per customer they prove their address, since anybody can make up others. */
export function guestCheckoutOf({ guest_checkout, max_tickets_per_customer }: EventValues): GuestCheckout {
  return guest_checkout === "open" && max_tickets_per_customer !== "" ? "proven" : guest_checkout;
}

/** Without the times of a dated event. */
export function withOpenDate(values: EventValues): EventValues {
  return { ...values, date: "open", starts_at: null, show_at: null, ends_at: null };
}

/** A price in the API's notation, from the entry. */
export function normalisePrice(typed: string | number, currency: string): string | number {
  return PLAIN.test(String(typed)) ? typed : (parsePrice(String(typed), currency).value ?? typed);
}

export function normaliseNumber(typed: string | number): string | number {
  return PLAIN.test(String(typed)) ? typed : (parseNumber(String(typed), 0).value ?? typed);
}

function samePayment({ payment }: EventValues, base: EventValues): boolean {
  return JSON.stringify(payment) === JSON.stringify(base.payment);
}

function toPaymentTerms({ payment }: EventValues): NewPaymentTerms {
  return payment === null ? { policy: "elsewhere" } : { policy: "online", methods: payment };
}

/** The request that creates the event. `values` must be valid and normalised. */
export function toCreate(values: EventValues): NewEvent {
  const times = TIMES.map((name) => [name, instant(values, name)] as const);
  return {
    name: values.name.trim(),
    venue: values.venue.trim(),
    description: values.description,
    timezone: values.timezone,
    starts_at: null,
    ...Object.fromEntries(times.filter(([, value]) => value !== null)),
    ...(values.currency === "" ? {} : { currency: values.currency }),
    ...(values.max_tickets_per_customer === ""
      ? {}
      : { max_tickets_per_customer: Number(values.max_tickets_per_customer) }),
    hold_minutes: Number(values.hold_minutes),
    guest_checkout: guestCheckoutOf(values),
    ...(values.payment === null ? {} : { payment: toPaymentTerms(values) }),
    categories: values.categories.map(({ name, price, capacity }) => ({
      name: name.trim(),
      price: String(price),
      capacity: Number(capacity),
    })),
    ...(values.pools.length === 0 ? {} : { pools: values.pools.map((pool) => toNewPool(pool, values.categories)) }),
  };
}

/** The request that changes `base` into `values`, with changed fields only. `values` must be valid and normalised. */
export function toChanges(base: EventValues, values: EventValues): EventChanges {
  const changes: EventChanges = {};
  for (const name of TEXTS) if (values[name] !== base[name]) changes[name] = values[name];
  for (const name of TIMES) {
    const [now, before] = [instant(values, name), instant(base, name)];
    if (now !== before) changes[name] = now;
  }
  const limit = values.max_tickets_per_customer;
  if (String(limit) !== String(base.max_tickets_per_customer)) {
    changes.max_tickets_per_customer = limit === "" ? null : Number(limit);
  }
  if (String(values.hold_minutes) !== String(base.hold_minutes)) changes.hold_minutes = Number(values.hold_minutes);
  if (guestCheckoutOf(values) !== guestCheckoutOf(base)) changes.guest_checkout = guestCheckoutOf(values);
  if (!samePayment(values, base)) changes.payment = toPaymentTerms(values);
  if (!sameCategories(base.categories, values.categories)) changes.categories = values.categories.map(edited);
  // A category that is removed leaves its pool by itself.
  if (!samePools({ pools: base.pools, categories: values.categories }, values))
    changes.pools = values.pools.map((pool) => toEditedPool(pool, values.categories));
  return changes;
}

export function sameCategory(first: CategoryValues | undefined, second: CategoryValues | undefined): boolean {
  if (first === undefined || second === undefined) return first === second;
  return (
    first.name === second.name &&
    Number(first.price) === Number(second.price) &&
    Number(first.capacity) === Number(second.capacity)
  );
}

function sameCategories(base: readonly CategoryValues[], values: readonly CategoryValues[]): boolean {
  return (
    base.length === values.length &&
    values.every((category, index) => category.key === base[index]?.key && sameCategory(category, base[index]))
  );
}

function edited({ id, name, price, capacity }: CategoryValues): EditedCategory {
  return { ...(id === null ? {} : { id }), name: name.trim(), price: String(price), capacity: Number(capacity) };
}

function instant(values: EventValues, name: TimeName): string | null {
  const wall = values[name];
  return wall === null || wall === "" ? null : toInstant(wall, values.timezone);
}
