import { defineConfig } from "orval";

interface Document {
  paths: Record<string, Record<string, { responses?: Record<string, { content?: Record<string, unknown> }> }>>;
}

/** Where an answer may be a spreadsheet too, the page's own calls get JSON: that alone is their type. */
function onlyJson(document: Document): Document {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  for (const { content } of operations.flatMap(({ responses }) => Object.values(responses ?? {}))) {
    if (content?.["application/json"] === undefined) continue;
    for (const type of Object.keys(content)) if (type !== "application/json") Reflect.deleteProperty(content, type);
  }
  return document;
}

/** The client of the API, made anew by `make client` from the API's own document. */
export default defineConfig({
  seatledger: {
    input: {
      target: process.env.OPENAPI_DOCUMENT ?? "../build/openapi.json",
      override: { transformer: onlyJson as never },
    },
    output: {
      mode: "tags-split",
      target: "src/shared/api/generated",
      schemas: "src/shared/api/generated/model",
      client: "react-query",
      httpClient: "axios",
      headers: true,
      clean: true,
      indexFiles: true,
      mock: { type: "msw", useExamples: false, delay: false },
      override: {
        mutator: { path: "src/shared/api/http.ts", name: "http" },
        useDates: false,
        query: { useQuery: true, useInfinite: false, signal: true, version: 5 },
      },
    },
  },
});
