import { setupServer } from "msw/node";

/**
 * A server made from the OpenAPI document, which knows nothing by itself: each test gives it the handlers that it needs
 * (`getGetEventsMockHandler(…)` of `@/shared/api/generated/…/*.msw`). Whatever else is asked of it fails the test.
 */
export const server = setupServer();
