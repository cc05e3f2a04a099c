// Before the first paint: the colours that were chosen, or the system's. A file of its own, since no script may stand in the page.
try {
  const chosen = localStorage.getItem("mantine-color-scheme-value");
  const isDark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", isDark ? "dark" : "light");
} catch {
  // Storage is switched off: light it is.
}
