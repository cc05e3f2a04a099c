import { newIdempotencyKey } from "@/shared/api/idempotency-key";

import { learn, type Seats } from "./seat-store";
import { SeatStream, type LiveState } from "./seat-stream";

const NAME = "seatledger-live";
/** Pages that open together ask for one stream, not for one each. */
const GATHER_MILLISECONDS = 60;

/** What tabs tell each other. `wants`: the events that a tab shows, none when it goes; `who`: a new leader asks for that. */
type Message =
  | { kind: "who" }
  | { kind: "wants"; tab: string; events: string[] }
  | { kind: "seats"; seats: [string, Seats][]; lastId: string | undefined }
  | { kind: "state"; state: LiveState };

/**
 * One stream a browser. Of the tabs that can be seen and show seats, the one that holds a lock leads: it keeps the stream open
 * and tells the others what comes. A tab that is hidden lets go of the lock; when none is left, the stream is closed, and the next
 * one goes on from the last id. A browser that has no locks or channels (a page without HTTPS) asks for the numbers instead.
 */
export class LiveSeats {
  readonly #tab = newIdempotencyKey();
  readonly #shown = new Map<symbol, readonly string[]>();
  readonly #wanted = new Map<string, readonly string[]>();
  readonly #listeners = new Set<() => void>();
  readonly #channel: BroadcastChannel | null;
  #waiting: AbortController | null = null;
  #release: (() => void) | null = null;
  #stream: SeatStream | null = null;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #lastId: string | undefined;
  #state: LiveState = "connecting";

  constructor() {
    const canShare = "locks" in navigator && "BroadcastChannel" in globalThis;
    this.#channel = canShare ? new BroadcastChannel(NAME) : null;
    if (!canShare) this.#state = "polling";
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<Message>) => this.#hear(data));
    document.addEventListener("visibilitychange", () => this.#reconsider());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", () => this.#reconsider());
  }

  /** Until the function that it returns is called, the seats of these events come in by themselves. */
  want(events: readonly string[]): () => void {
    const asker = Symbol("asker");
    this.#shown.set(asker, events);
    this.#reconsider();
    return () => {
      this.#shown.delete(asker);
      this.#reconsider();
    };
  }

  get state(): LiveState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get #mine(): string[] {
    return [...new Set([...this.#shown.values()].flat())];
  }

  #reconsider(): void {
    if (this.#channel === null) return;
    const takesPart = document.visibilityState === "visible" && this.#mine.length > 0;
    if (!takesPart) this.#leave();
    else if (this.#waiting === null) this.#join();
    else this.#tellWhatIsShown();
  }

  #join(): void {
    const waiting = (this.#waiting = new AbortController());
    const led = navigator.locks.request(NAME, { signal: waiting.signal }, () => this.#lead());
    led.catch((error: unknown) => {
      if (!waiting.signal.aborted) throw error;
    });
    this.#tellWhatIsShown();
  }

  #leave(): void {
    if (this.#waiting === null) return;
    this.#waiting.abort();
    this.#waiting = null;
    clearTimeout(this.#gathering);
    this.#stream?.close();
    this.#stream = null;
    this.#release?.();
    this.#release = null;
    this.#tell({ kind: "wants", tab: this.#tab, events: [] });
  }

  /** Holds the lock until the promise is resolved. */
  #lead(): Promise<void> {
    this.#wanted.clear();
    this.#wanted.set(this.#tab, this.#mine);
    this.#tell({ kind: "who" });
    this.#gather();
    return new Promise((resolve) => (this.#release = resolve));
  }

  #gather(): void {
    clearTimeout(this.#gathering);
    this.#gathering = setTimeout(() => this.#open(), GATHER_MILLISECONDS);
  }

  #open(): void {
    const events = new Set([...this.#wanted.values()].flat());
    if (this.#stream?.covers(events)) return;
    const isResumed = this.#stream === null;
    this.#stream?.close();
    this.#stream = new SeatStream({
      events,
      // Somebody who shows another event now needs its state, which comes without an id alone.
      lastId: isResumed ? this.#lastId : undefined,
      onNews: (news, lastId) => {
        const seats = [...news];
        this.#take(seats, lastId);
        this.#tell({ kind: "seats", seats, lastId });
      },
      onState: (state) => {
        this.#set(state);
        this.#tell({ kind: "state", state });
      },
    });
  }

  #hear(message: Message): void {
    if (message.kind === "seats") this.#take(message.seats, message.lastId);
    else if (message.kind === "state") this.#set(message.state);
    else if (message.kind === "who") this.#tellWhatIsShown();
    else if (this.#release !== null) {
      if (message.events.length > 0) this.#wanted.set(message.tab, message.events);
      else this.#wanted.delete(message.tab);
      this.#gather();
      this.#tell({ kind: "state", state: this.#state });
    }
  }

  #tellWhatIsShown(): void {
    if (this.#waiting === null) return;
    const events = this.#mine;
    this.#wanted.set(this.#tab, events);
    if (this.#release === null) this.#tell({ kind: "wants", tab: this.#tab, events });
    else this.#gather();
  }

  #take(seats: [string, Seats][], lastId: string | undefined): void {
    this.#lastId = lastId ?? this.#lastId;
    learn(seats);
  }

  #tell(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #set(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listeners.forEach((listener) => listener());
  }
}
