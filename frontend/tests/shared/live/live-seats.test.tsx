import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { recallPosition, rememberPosition } from "@/shared/api/ledger-position";
import { LiveSeats } from "@/shared/live/live-seats";
import { storeSeats, useSeats } from "@/shared/live/seat-store";
import { FLUSH_MILLISECONDS, SeatStream, type SeatChanges } from "@/shared/live/seat-stream";

import { event } from "../../factories";

const renders = vi.fn();

function Left({ of }: { of: ReturnType<typeof event> }) {
  const { available, categories } = useSeats(of);
  renders();
  return <p>{`${available} / ${categories.General ?? 0}`}</p>;
}

const seats = (available: number, position: number) => ({
  available,
  held: 0,
  heldIn: {},
  categories: { General: available },
  pools: {},
  position,
});

beforeEach(() => void renders.mockClear());
afterEach(() => void vi.unstubAllGlobals());

it("the update with the highest position is shown, in whatever order updates arrive", () => {
  const some = event();
  render(<Left of={some} />);
  screen.getByText("20 / 10");
  act(() => storeSeats([[some.id, seats(7, 40)]]));
  screen.getByText("7 / 7");
  act(() => storeSeats([[some.id, seats(9, 39)]]));
  screen.getByText("7 / 7");
  act(() => storeSeats([[some.id, seats(8, 40)]]));
  screen.getByText("8 / 8");
});

it("an update renders only components of that event", () => {
  const some = event();
  render(<Left of={some} />);
  act(() => storeSeats([["another", seats(1, 50)]]));
  expect(renders).toHaveBeenCalledTimes(1);
});

/** A server's stream that says what it is told to. */
function stream() {
  const asked: { url: string; lastId: string | null }[] = [];
  let say: (text: string) => void = () => undefined;
  vi.stubGlobal("fetch", (url: URL, init: RequestInit) => {
    asked.push({ url: url.toString(), lastId: new Headers(init.headers).get("Last-Event-ID") });
    const body = new ReadableStream({
      start: (controller) => {
        say = (text) => controller.enqueue(new TextEncoder().encode(text));
        init.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
      },
    });
    return Promise.resolve(new Response(body, { status: 200 }));
  });
  return { asked, say: (text: string) => say(text) };
}

const change = (id: string, available: number, position: number) => {
  const data = { event_id: id, available, categories: [{ name: "General", available, held: 0 }], pools: [], position };
  return `event: availability\nid: ${position}\ndata: ${JSON.stringify(data)}\n\n`;
};

it("a thousand updates cause a few renders, with the newest of each event", async () => {
  const { say } = stream();
  const news: SeatChanges[] = [];
  const open = new SeatStream({
    events: new Set(["a", "b"]),
    lastId: undefined,
    onNews: (changes) => void news.push(changes),
    onReset: vi.fn(),
    onState: vi.fn(),
  });
  await vi.waitFor(() => say(""));
  for (let position = 1; position <= 1_000; position++)
    say(change(position % 2 === 0 ? "a" : "b", 2_000 - position, position));
  await vi.waitFor(() => expect(news).toHaveLength(1), { timeout: 4 * FLUSH_MILLISECONDS });
  expect(
    [...(news[0]?.values() ?? [])].map(({ position }) => position).toSorted((first, second) => first - second),
  ).toEqual([999, 1_000]);
  open.close();
});

it("one tab opens the stream for the shown events, closes it when hidden, and resumes from the last id", async () => {
  const { asked, say } = stream();
  vi.stubGlobal("navigator", Object.assign(Object.create(navigator), { locks: new Locks() }));
  const live = new LiveSeats();
  const stop = live.watch(["a"]);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]).toEqual({ url: `${location.origin}/api/live?event_id=a`, lastId: null });
  await vi.waitFor(() => expect(live.state).toBe("live"));
  say(change("a", 3, 77));
  await new Promise((resolve) => setTimeout(resolve, 2 * FLUSH_MILLISECONDS));
  see("hidden");
  see("visible");
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[1]?.lastId).toBe("77");
  stop();
});

it("after a reset lower positions count, and everything is read again", async () => {
  const { asked, say } = stream();
  vi.stubGlobal("navigator", Object.assign(Object.create(navigator), { locks: new Locks() }));
  const [live, some, read] = [new LiveSeats(), event(), vi.fn()];
  rememberPosition("77");
  render(<Left of={some} />);
  const stop = live.watch([some.id]);
  live.onReset(read);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  await vi.waitFor(() => expect(live.state).toBe("live"));
  say(change(some.id, 3, 77));
  await screen.findByText("3 / 3");
  act(() => say("event: reset\nid: 60\ndata: {}\n\n"));
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(1));
  expect(recallPosition()).toBeNull();
  say(change(some.id, 5, 61));
  await screen.findByText("5 / 5");
  stop();
});

it("seats are polled if the browser can't share a stream", () => {
  vi.stubGlobal("navigator", Object.create(Object.prototype));
  expect(new LiveSeats().state).toBe("polling");
});

function see(state: DocumentVisibilityState) {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** One at a time, as in a browser; jsdom has none. */
class Locks {
  #last = Promise.resolve();

  request(_: string, { signal }: { signal: AbortSignal }, held: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(() => (signal.aborted ? undefined : held()));
    this.#last = turn;
    return turn;
  }
}
