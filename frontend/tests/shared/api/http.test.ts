import { http as route, HttpResponse } from "msw";
import { beforeEach, expect, it, vi } from "vitest";

import { http } from "@/shared/api/http";
import { newIdempotencyKey } from "@/shared/api/idempotency-key";
import { recallPosition } from "@/shared/api/ledger-position";
import { isKind } from "@/shared/api/problem";

import { server } from "../../server";

const problem = (status: number, kind: string, headers: Record<string, string> = {}) =>
  HttpResponse.json({ type: `/problems/${kind}`, title: kind, status, detail: "…" }, { status, headers });

beforeEach(() => void vi.spyOn(Math, "random").mockReturnValue(0));

it("a command is sent again with the same key after a busy server or a lost response", async () => {
  const keys: (string | null)[] = [];
  const answers = [
    () => problem(503, "busy", { "Retry-After": "0" }),
    () => HttpResponse.error(),
    () => HttpResponse.json({ id: 1 }),
  ];
  server.use(
    route.post("*/api/things", ({ request }) => {
      keys.push(request.headers.get("Idempotency-Key"));
      return answers[keys.length - 1]?.();
    }),
  );
  const key = newIdempotencyKey();
  expect(await http({ url: "/api/things", method: "POST", data: {}, headers: { "Idempotency-Key": key } })).toEqual({
    id: 1,
  });
  expect(keys).toEqual([key, key, key]);
});

it("a command without a key is never sent again", async () => {
  let tries = 0;
  server.use(route.post("*/api/things", () => (tries++, problem(503, "busy"))));
  await expect(http({ url: "/api/things", method: "POST", data: {} })).rejects.toSatisfy((error) =>
    isKind(error, "busy"),
  );
  expect(tries).toBe(1);
});

it("a long Retry-After is not waited for", async () => {
  let tries = 0;
  server.use(route.get("*/api/things", () => (tries++, problem(429, "too-many-attempts", { "Retry-After": "30" }))));
  await expect(http({ url: "/api/things", method: "GET" })).rejects.toSatisfy((error) =>
    isKind(error, "too-many-attempts"),
  );
  expect(tries).toBe(1);
});

it("each query sends the highest position of the commands before", async () => {
  const asked: (string | null)[] = [];
  const positions = ["41", "7"];
  server.use(
    route.post("*/api/things", () =>
      HttpResponse.json({}, { headers: { "Ledger-Position": positions.shift() ?? "" } }),
    ),
    route.get("*/api/things", ({ request }) => {
      asked.push(request.headers.get("Ledger-Position"));
      return HttpResponse.json({}, { headers: { "Ledger-Position": "90" } });
    }),
  );
  await http({ url: "/api/things", method: "GET" });
  await http({ url: "/api/things", method: "POST" });
  await http({ url: "/api/things", method: "POST" });
  await http({ url: "/api/things", method: "GET" });
  expect(asked).toEqual([null, "41"]);
});

it("a position beyond the ledger is forgotten, and the query is sent again without it", async () => {
  sessionStorage.setItem("seatledger.position", "999");
  server.use(
    route.get("*/api/things", ({ request }) =>
      request.headers.has("Ledger-Position") ? problem(422, "position-beyond-head") : HttpResponse.json({ id: 2 }),
    ),
  );
  expect(await http({ url: "/api/things", method: "GET" })).toEqual({ id: 2 });
  expect(recallPosition()).toBeNull();
});

it.each(["seatledger_csrf", "__Host-seatledger_csrf"])(
  "a command sends the value of %s as CSRF header",
  async (name) => {
    vi.spyOn(document, "cookie", "get").mockReturnValue(`theme=dark; ${name}=abc; my_seatledger_csrf=no`);
    let proof: string | null = null;
    server.use(
      route.delete(
        "*/api/things",
        ({ request }) => ((proof = request.headers.get("X-CSRF-Token")), HttpResponse.json({})),
      ),
    );
    await http({ url: "/api/things", method: "DELETE" });
    vi.restoreAllMocks();
    expect(proof).toBe("abc");
  },
);

it("a refusal has a kind and a message for each field", async () => {
  const body = {
    type: "/problems/malformed",
    title: "",
    status: 422,
    detail: "",
    errors: [{ path: "name", message: "is empty" }],
  };
  server.use(route.post("*/api/things", () => HttpResponse.json(body, { status: 422 })));
  const error = await http({ url: "/api/things", method: "POST" }).catch((thrown: unknown) => thrown);
  expect(isKind(error, "malformed") && error.fieldErrors).toEqual({ name: "is empty" });
});
