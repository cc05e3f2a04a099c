import "@fontsource-variable/figtree/index.css";
import "@mantine/core/styles.css";
import "./global.css";

import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";

import { forgetOldHolds } from "@/features/events/checkout/held-seats";
import { eventsQuery } from "@/features/events/queries";
import { parseEventFilter } from "@/features/events/use-event-filter";

import { Providers, styleNonce } from "./providers";
import { makeQueryClient } from "./query-client";
import { AppRoutes } from "./routes";

forgetOldHolds(Date.now());
setNonce(styleNonce); // for the style of a dialog that hides the scroll bar

// Requests the events of the front page before the first render.
const queries = makeQueryClient();
if (location.pathname === "/") {
  queries.infiniteQuery(eventsQuery(parseEventFilter(new URLSearchParams(location.search)))).catch(() => undefined); // the page asks again and shows the error
}

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
createRoot(root).render(
  <StrictMode>
    <Providers queries={queries}>
      <BrowserRouter>
        <AppRoutes />
      </BrowserRouter>
    </Providers>
  </StrictMode>,
);
