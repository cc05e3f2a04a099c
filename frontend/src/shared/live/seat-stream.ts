import { createEventSource, type EventSourceClient } from "eventsource-client";

import { seatsByName, type Seats } from "./seat-store";

export type LiveState = "connecting" | "live" | "polling";
export type SeatChanges = ReadonlyMap<string, Seats>;

/** Changes are passed on in batches at this interval: four renders a second, at any rate of changes. */
export const FLUSH_MILLISECONDS = 250;
/** The server says something every 15 s. */
const SILENCE_MILLISECONDS = 40_000;
const WATCH_MILLISECONDS = 10_000;
/** After this many consecutive failures the page polls; reconnecting continues with growing delays. */
const FAILURES_UNTIL_POLLING = 3;
const LONGEST_WAIT_MILLISECONDS = 15_000;
/** The most events that the server accepts in one stream. With more, the stream is of all events. */
const MAX_NAMED = 50;

interface Change {
  event_id: string;
  available: number;
  categories: { name: string; available: number; held: number }[];
  /** A process of the last release sends none. */
  pools?: { name: string; available: number; held: number }[];
  position: number;
}

/** The server's stream of seats left, for some events. Reconnects automatically until `close`. */
export class SeatStream {
  readonly #events: ReadonlySet<string>;
  readonly #onNews: (news: SeatChanges, lastId: string | undefined) => void;
  readonly #onReset: () => void;
  readonly #onState: (state: LiveState) => void;
  readonly #client: EventSourceClient;
  readonly #silenceTimer: ReturnType<typeof setInterval>;
  #pending = new Map<string, Seats>();
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #lastHeardAt = Date.now();

  constructor(options: {
    events: ReadonlySet<string>;
    lastId: string | undefined;
    onNews: (news: SeatChanges, lastId: string | undefined) => void;
    onReset: () => void;
    onState: (state: LiveState) => void;
  }) {
    this.#events = options.events;
    this.#onNews = options.onNews;
    this.#onReset = options.onReset;
    this.#onState = options.onState;
    this.#client = createEventSource({
      url: address(options.events),
      ...(options.lastId === undefined ? {} : { initialLastEventId: options.lastId }),
      fetch: (url, init) => this.#fetch(url, init as RequestInit),
      onConnect: () => this.#connected(),
      onScheduleReconnect: () => this.#failed(),
      onComment: () => (this.#lastHeardAt = Date.now()),
      onMessage: ({ event, data }) => (event === "reset" ? this.#reset() : this.#store(JSON.parse(data) as Change)),
    });
    this.#silenceTimer = setInterval(() => this.#reconnectIfSilent(), WATCH_MILLISECONDS);
  }

  /** Whether the stream covers all of these events. */
  covers(events: ReadonlySet<string>): boolean {
    return this.#events.size > MAX_NAMED || [...events].every((id) => this.#events.has(id));
  }

  close(): void {
    clearInterval(this.#silenceTimer);
    clearTimeout(this.#flushTimer);
    this.#client.close();
  }

  async #fetch(url: string | URL, init: RequestInit): Promise<Response> {
    const wait = Math.min(1_000 * 2 ** (this.#failures - FAILURES_UNTIL_POLLING), LONGEST_WAIT_MILLISECONDS);
    if (this.#failures > FAILURES_UNTIL_POLLING) await new Promise((resolve) => setTimeout(resolve, wait));
    const response = await fetch(url, init);
    if (!response.ok) throw new Error(`The stream was refused: ${response.status}`);
    return response;
  }

  #connected(): void {
    this.#failures = 0;
    this.#lastHeardAt = Date.now();
    this.#onState("live");
  }

  #failed(): void {
    this.#failures += 1;
    this.#onState(this.#failures < FAILURES_UNTIL_POLLING ? "connecting" : "polling");
  }

  #store({ event_id, available, categories, pools = [], position }: Change): void {
    this.#lastHeardAt = Date.now();
    this.#pending.set(event_id, { available, ...seatsByName(categories, pools), position });
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      const news = this.#pending;
      this.#pending = new Map();
      this.#onNews(news, this.#client.lastEventId);
    }, FLUSH_MILLISECONDS);
  }

  /** The server's ledger went back, or its tables were rebuilt. */
  #reset(): void {
    this.#lastHeardAt = Date.now();
    this.#pending.clear();
    this.#onReset();
  }

  /** For a connection that was lost silently, as when a laptop was closed. */
  #reconnectIfSilent(): void {
    if (Date.now() - this.#lastHeardAt < SILENCE_MILLISECONDS) return;
    this.#lastHeardAt = Date.now();
    this.#client.close();
    this.#client.connect();
  }
}

function address(events: ReadonlySet<string>): URL {
  const url = new URL("/api/live", location.origin);
  if (events.size <= MAX_NAMED) for (const id of events) url.searchParams.append("event_id", id);
  return url;
}
