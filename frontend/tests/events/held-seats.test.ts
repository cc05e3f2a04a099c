import { beforeEach, expect, it } from "vitest";

import { findHeld, forgetHeld, recallHeld, storeHeld, updateHeld } from "@/features/events/checkout/held-seats";
import { forgetAllHolds } from "@/shared/session/held-storage";

const NOW = Date.parse("2031-05-01T12:00:00Z");
const held = (until: string, eventId = "e1") => ({ eventId, token: "t", until, name: "", email: "" });

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

it("what was typed in is kept for its tab alone, and nothing once somebody signs out", () => {
  storeHeld("h1", { ...held("2031-05-01T12:15:00Z"), name: "Gus", email: "gus@example.test", code: "SPRING" });
  expect(JSON.stringify(Object.entries(localStorage))).not.toMatch(/Gus|gus@|SPRING/);
  sessionStorage.clear(); // as another tab sees it
  expect(recallHeld("h1")).toEqual(held("2031-05-01T12:15:00Z"));
  storeHeld("h2", { ...held("2031-05-01T12:15:00Z"), name: "Gus" });
  localStorage.setItem("something else", "1");
  forgetAllHolds();
  expect([Object.keys(localStorage), Object.keys(sessionStorage)]).toEqual([["something else"], []]);
});

it("what was typed in is kept with the hold", () => {
  storeHeld("h1", held("2031-05-01T12:15:00Z"));
  updateHeld("h1", { name: "Gus" });
  updateHeld("unknown", { name: "Gus" });
  expect(recallHeld("h1")).toEqual({ ...held("2031-05-01T12:15:00Z"), name: "Gus" });
  expect(recallHeld("unknown")).toBeNull();
  forgetHeld("h1");
  expect(recallHeld("h1")).toBeNull();
});

it("the open hold of an event that ends last is found, and what ended long ago is forgotten", () => {
  storeHeld("h1", held("2031-05-01T12:05:00Z"));
  storeHeld("h2", held("2031-05-01T12:15:00Z"));
  storeHeld("over", held("2031-05-01T11:59:00Z"));
  storeHeld("old", held("2031-05-01T10:59:00Z"));
  storeHeld("other", held("2031-05-01T12:30:00Z", "e2"));
  localStorage.setItem("seatledger.hold broken", "{");
  localStorage.setItem("something else", "{");
  expect(findHeld("e1", NOW)?.id).toBe("h2");
  expect(findHeld("e3", NOW)).toBeNull();
  expect([recallHeld("old"), recallHeld("over")?.eventId]).toEqual([null, "e1"]);
  expect(Object.keys(localStorage)).toContain("something else");
});
