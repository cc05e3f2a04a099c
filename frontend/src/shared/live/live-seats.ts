import { forgetPosition } from "@/shared/api/ledger-position";
import { randomId } from "@/shared/api/random-id";

import { forgetSeats, storeSeats, type Seats } from "./seat-store";
import { SeatStream, type LiveState } from "./seat-stream";

const NAME = "seatledger-live";
/** Components that mount together open one stream, not one each. */
const OPEN_DELAY_MILLISECONDS = 60;

/** Messages between tabs. `watched`: the events that a tab shows, none when it leaves; `request`: a new leader asks for that. */
type Message =
  | { kind: "request" }
  | { kind: "watched"; tab: string; events: string[] }
  | { kind: "seats"; seats: [string, Seats][]; lastId: string | undefined }
  | { kind: "reset" }
  | { kind: "state"; state: LiveState };

/**
 * One stream per browser. Of the visible tabs that show seats, the one that holds the Web Lock is the leader: it opens the stream
 * and broadcasts the changes. A hidden tab releases the lock. Without a visible tab the stream is closed; the next leader
 * resumes from the last id. A browser without locks or channels (a page without HTTPS) polls instead.
 */
export class LiveSeats {
  readonly #tab = randomId();
  readonly #watchers = new Map<symbol, readonly string[]>();
  readonly #watchedByTab = new Map<string, readonly string[]>();
  readonly #listeners = new Set<() => void>();
  readonly #resetListeners = new Set<() => void>();
  readonly #channel: BroadcastChannel | null;
  #lockRequest: AbortController | null = null;
  #release: (() => void) | null = null;
  #stream: SeatStream | null = null;
  #openTimer: ReturnType<typeof setTimeout> | undefined;
  #lastId: string | undefined;
  #state: LiveState = "connecting";

  constructor() {
    const canShare = "locks" in navigator && "BroadcastChannel" in globalThis;
    this.#channel = canShare ? new BroadcastChannel(NAME) : null;
    if (!canShare) this.#state = "polling";
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<Message>) => this.#receive(data));
    document.addEventListener("visibilitychange", () => this.#updateParticipation());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", () => this.#updateParticipation());
  }

  /** Keeps the seats of these events up to date until the returned function is called. */
  watch(events: readonly string[]): () => void {
    const watcher = Symbol("watcher");
    this.#watchers.set(watcher, events);
    this.#updateParticipation();
    return () => {
      this.#watchers.delete(watcher);
      this.#updateParticipation();
    };
  }

  get state(): LiveState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls `listener` after the server's ledger went back, or its tables were rebuilt: what was read before does not count. */
  onReset(listener: () => void): () => void {
    this.#resetListeners.add(listener);
    return () => this.#resetListeners.delete(listener);
  }

  get #watchedHere(): string[] {
    return [...new Set([...this.#watchers.values()].flat())];
  }

  #updateParticipation(): void {
    if (this.#channel === null) return;
    const isParticipant = document.visibilityState === "visible" && this.#watchedHere.length > 0;
    if (!isParticipant) this.#leave();
    else if (this.#lockRequest === null) this.#join();
    else this.#announceWatched();
  }

  #join(): void {
    const request = (this.#lockRequest = new AbortController());
    const leading = navigator.locks.request(NAME, { signal: request.signal }, () => this.#lead());
    leading.catch((error: unknown) => {
      if (!request.signal.aborted) throw error;
    });
    this.#announceWatched();
  }

  #leave(): void {
    if (this.#lockRequest === null) return;
    this.#lockRequest.abort();
    this.#lockRequest = null;
    clearTimeout(this.#openTimer);
    this.#stream?.close();
    this.#stream = null;
    this.#release?.();
    this.#release = null;
    this.#broadcast({ kind: "watched", tab: this.#tab, events: [] });
  }

  /** Leads until the returned promise resolves, which releases the lock. */
  #lead(): Promise<void> {
    this.#watchedByTab.clear();
    this.#watchedByTab.set(this.#tab, this.#watchedHere);
    this.#broadcast({ kind: "request" });
    this.#scheduleOpen();
    return new Promise((resolve) => (this.#release = resolve));
  }

  #scheduleOpen(): void {
    clearTimeout(this.#openTimer);
    this.#openTimer = setTimeout(() => this.#open(), OPEN_DELAY_MILLISECONDS);
  }

  #open(): void {
    const events = new Set([...this.#watchedByTab.values()].flat());
    if (this.#stream?.covers(events)) return;
    const isNewLeader = this.#stream === null;
    this.#stream?.close();
    this.#stream = new SeatStream({
      events,
      // A new leader resumes where the last one ended. A leader whose events change opens another stream without an id: only so
      // does the server send the current state of the new events.
      lastId: isNewLeader ? this.#lastId : undefined,
      onNews: (news, lastId) => {
        const seats = [...news];
        this.#store(seats, lastId);
        this.#broadcast({ kind: "seats", seats, lastId });
      },
      onReset: () => {
        this.#reset();
        this.#broadcast({ kind: "reset" });
      },
      onState: (state) => {
        this.#setState(state);
        this.#broadcast({ kind: "state", state });
      },
    });
  }

  #receive(message: Message): void {
    if (message.kind === "seats") this.#store(message.seats, message.lastId);
    else if (message.kind === "reset") this.#reset();
    else if (message.kind === "state") this.#setState(message.state);
    else if (message.kind === "request") this.#announceWatched();
    else if (this.#release !== null) {
      if (message.events.length > 0) this.#watchedByTab.set(message.tab, message.events);
      else this.#watchedByTab.delete(message.tab);
      this.#scheduleOpen();
      this.#broadcast({ kind: "state", state: this.#state });
    }
  }

  #announceWatched(): void {
    if (this.#lockRequest === null) return;
    const events = this.#watchedHere;
    this.#watchedByTab.set(this.#tab, events);
    if (this.#release === null) this.#broadcast({ kind: "watched", tab: this.#tab, events });
    else this.#scheduleOpen();
  }

  #store(seats: [string, Seats][], lastId: string | undefined): void {
    this.#lastId = lastId ?? this.#lastId;
    storeSeats(seats);
  }

  #reset(): void {
    this.#lastId = undefined;
    forgetPosition();
    forgetSeats();
    this.#resetListeners.forEach((listener) => listener());
  }

  #broadcast(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #setState(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listeners.forEach((listener) => listener());
  }
}
