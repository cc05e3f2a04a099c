/** Public, in the README: it opens nothing but a demo. */
export const DEMO_PASSWORD = "demo-password";
