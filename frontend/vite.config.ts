import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { compression } from "vite-plugin-compression2";
import { defineConfig } from "vitest/config";

/** Where `make run` listens. */
const api = `http://127.0.0.1:${process.env.PORT ?? "8000"}`;
const routesOfTheApi = ["/api", "/docs", "/redoc", "/openapi.json", "/problems", "/static-offline-docs"];

export default defineConfig({
  plugins: [react(), compression({ algorithms: ["gzip", "brotliCompress"], include: /\.(js|css|svg|html|json)$/ })],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The server replaces it by a nonce of each response's own (app/static_site.py).
  html: { cspNonce: "nonce-of-this-answer" },
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 600 },
  server: { port: 5173, proxy: Object.fromEntries(routesOfTheApi.map((path) => [path, api])) },
  test: {
    environment: "jsdom",
    isolate: false, // to import all modules anew for each file takes longer than the tests
    globals: true,
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    css: false,
    testTimeout: 20_000,
    env: { DEBUG_PRINT_LIMIT: "0" },
  },
});
