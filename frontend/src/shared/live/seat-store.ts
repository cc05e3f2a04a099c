import { useSyncExternalStore } from "react";

import type { Event } from "@/shared/api/generated/model";
import { positionOf } from "@/shared/api/http";

/**
 * Seats left of one event, exact as of a ledger position; by category name in `categories` and `heldIn`. `held`: by people who are
 * about to book. `pools`: likewise, by the name of the pool.
 */
export interface Seats {
  available: number;
  held: number;
  categories: Readonly<Record<string, number>>;
  heldIn: Readonly<Record<string, number>>;
  pools: Readonly<Record<string, SeatsOfPool>>;
  position: number;
}

export interface SeatsOfPool {
  available: number;
  held: number;
}

/** Past this many, events without subscribers are dropped. */
const MAX_KEPT = 1_000;

const known = new Map<string, Seats>();
const listeners = new Map<string, Set<() => void>>();

/** Stores seats by ledger position: the newest position wins, from the live stream or from a query. */
export function storeSeats(news: Iterable<readonly [eventId: string, seats: Seats]>): void {
  for (const [id, seats] of news) {
    if (seats.position < (known.get(id)?.position ?? 0)) continue;
    known.delete(id); // so that it is the youngest
    known.set(id, seats);
    listeners.get(id)?.forEach((listener) => listener());
  }
  for (const id of known.keys()) {
    if (known.size <= MAX_KEPT) break;
    if (!listeners.has(id)) known.delete(id);
  }
}

/** The server's positions begin again: drops what is known. */
export function forgetSeats(): void {
  known.clear();
  for (const subscribers of listeners.values()) subscribers.forEach((listener) => listener());
}

/** Stores the seats of the events in a query's response. `response` must be the same object that `http` returned. */
export function storeSeatsFrom<T extends object>(response: T, events: (response: T) => readonly Event[]): T {
  const position = positionOf(response);
  storeSeats(events(response).map((event) => [event.id, { ...seatsOf(event), position }]));
  return response;
}

/** The newest known seats of the event. The component is rendered again when they change. */
export function useSeats(event: Event): Seats {
  const live = useSyncExternalStore(
    (listener) => listen(event.id, listener),
    () => known.get(event.id),
  );
  return live ?? seatsOf(event);
}

function seatsOf({ available, categories, pools }: Event): Seats {
  return { available, ...seatsByName(categories, pools), position: 0 };
}

type Named = SeatsOfPool & { name: string };

/** Seats left and held: of each category, of each pool, and those that are held in all. */
export function seatsByName(categories: readonly Named[], pools: readonly Named[]) {
  return {
    held: categories.reduce((sum, category) => sum + category.held, 0),
    heldIn: Object.fromEntries(categories.map(({ name, held }) => [name, held])),
    categories: Object.fromEntries(categories.map(({ name, available }) => [name, available])),
    pools: Object.fromEntries(pools.map(({ name, available, held }) => [name, { available, held }])),
  };
}

/** The seats of an event that are sold. */
export function soldSeats(event: Event, { available, held }: Seats): number {
  return event.capacity - available - held;
}

function listen(id: string, listener: () => void): () => void {
  const subscribers = listeners.get(id) ?? new Set();
  listeners.set(id, subscribers.add(listener));
  return () => {
    subscribers.delete(listener);
    if (subscribers.size === 0) listeners.delete(id);
  };
}
