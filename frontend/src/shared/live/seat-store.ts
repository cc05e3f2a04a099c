import { useSyncExternalStore } from "react";

import type { Event } from "@/shared/api/generated/model";
import { positionOf } from "@/shared/api/http";

/** Seats left of one event, exact as of a ledger position; `categories` by name. */
export interface Seats {
  available: number;
  categories: Readonly<Record<string, number>>;
  position: number;
}

/** Events that nobody looks at are forgotten past this many. */
const MAX_KEPT = 1_000;

const known = new Map<string, Seats>();
const listeners = new Map<string, Set<() => void>>();

/** What is newer than what was known counts, wherever it came from: the live stream, or the answer to a query. */
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

/** Takes over the seats of events as a query answered them. `answer` is the very object that came. */
export function storeSeatsFrom<Answer extends object>(
  answer: Answer,
  events: (answer: Answer) => readonly Event[],
): Answer {
  const position = positionOf(answer);
  storeSeats(events(answer).map((event) => [event.id, { ...seatsOf(event), position }]));
  return answer;
}

/** The event's seats as far as anybody in this browser knows; whoever uses it is rendered again when they change. */
export function useSeats(event: Event): Seats {
  const live = useSyncExternalStore(
    (listener) => listen(event.id, listener),
    () => known.get(event.id),
  );
  return live ?? seatsOf(event);
}

function seatsOf({ available, categories }: Event): Seats {
  return {
    available,
    categories: Object.fromEntries(categories.map((category) => [category.name, category.available])),
    position: 0,
  };
}

function listen(id: string, listener: () => void): () => void {
  const subscribers = listeners.get(id) ?? new Set();
  listeners.set(id, subscribers.add(listener));
  return () => {
    subscribers.delete(listener);
    if (subscribers.size === 0) listeners.delete(id);
  };
}
