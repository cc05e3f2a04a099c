import { Container, createTheme, Paper, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

import { appText } from "@/shared/strings/app";

/** The primary colour: the green of bookbinding cloth. */
const ledger: MantineColorsTuple = [
  "#e9f8f3", "#d5ece4", "#a9d9c9", "#7ac6ad", "#53b595", "#39aa86", "#27a17b", "#127f60", "#0c6b58", "#06584a",
]; // prettier-ignore

export const theme = createTheme({
  colors: { ledger },
  primaryColor: "ledger",
  primaryShade: { light: 8, dark: 7 },
  cursorType: "pointer",
  defaultRadius: "md",
  focusRing: "auto",
  respectReducedMotion: true,
  fontFamily: "'Figtree Variable', system-ui, sans-serif",
  headings: {
    fontFamily: "'Figtree Variable', system-ui, sans-serif",
    fontWeight: "750",
    sizes: {
      h1: { fontSize: "clamp(1.75rem, 1.3rem + 1.8vw, 2.5rem)", lineHeight: "1.15" },
      h2: { fontSize: "1.5rem", lineHeight: "1.25" },
      h3: { fontSize: "1.2rem", lineHeight: "1.3" },
    },
  },
  components: {
    // Not `extend`: its script is loaded with the first message.
    Notification: { defaultProps: { closeButtonProps: { "aria-label": appText.closeMessage } } },
    Container: Container.extend({ defaultProps: { size: 1140 } }),
    Paper: Paper.extend({ defaultProps: { radius: "lg" } }),
  },
});

/** Some of Mantine's colours miss WCAG's contrast of 4.5 to 1 on this background. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5a6169",
    "--mantine-color-placeholder": "#6b727a",
    "--mantine-color-error": "#b42318",
    "--mantine-color-orange-light-color": "#8f3600",
    "--mantine-color-red-light-color": "#a31515",
    "--mantine-color-blue-light-color": "#0f5a9c",
    "--mantine-color-gray-light-color": "#495057",
  },
  dark: {
    "--mantine-color-text": "#e4e7e6",
    "--mantine-color-dimmed": "#b3b6bb",
    "--mantine-color-placeholder": "#9a9ea4",
    "--mantine-color-error": "#ff8f87",
    "--mantine-color-red-filled": "#c92a2a",
    "--mantine-color-red-filled-hover": "#b02525",
  },
});
