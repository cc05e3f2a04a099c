import "@fontsource-variable/figtree/index.css";
import "@mantine/core/styles.css";
import "./global.css";

import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";

import { Providers, styleNonce } from "./providers";
import { makeQueryClient } from "./query-client";
import { AppRoutes } from "./routes";

setNonce(styleNonce); // for what a dialog does to the page's scroll bar

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
createRoot(root).render(
  <StrictMode>
    <Providers queries={makeQueryClient()}>
      <BrowserRouter>
        <AppRoutes />
      </BrowserRouter>
    </Providers>
  </StrictMode>,
);
