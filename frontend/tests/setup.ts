import "@testing-library/jest-dom/vitest";

import { faker } from "@faker-js/faker";
import { cleanup, configure } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";

import { server } from "./server";

configure({ asyncUtilTimeout: 5_000 }); // a busy machine is no failure

// What jsdom lacks and Mantine asks for.
window.matchMedia = (query) =>
  ({ matches: false, media: query, addEventListener: () => undefined, removeEventListener: () => undefined }) as never;
window.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
Object.defineProperty(document, "fonts", { value: new EventTarget(), configurable: true });
window.scrollTo = () => undefined;
Element.prototype.scrollIntoView = () => undefined;

beforeAll(() => {
  // What the mock server makes up is the same in each run, and another in each file: all share what is kept by an event's id.
  const file = expect.getState().testPath?.split("/tests/").at(-1) ?? "";
  faker.seed(Array.from(file, (letter) => letter.charCodeAt(0)));
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  server.resetHandlers();
  sessionStorage.clear();
  localStorage.clear();
  document.cookie = "seatledger_csrf=; max-age=0";
});
afterAll(() => server.close());
