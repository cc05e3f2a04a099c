/** Texts of the shared components and of several features. */
export const appText = {
  name: "Seatledger",
  roles: { customer: "Customer", organizer: "Organizer", auditor: "Auditor", admin: "Admin" },
  loading: "Loading…",
  tryAgain: "Try again",
  closeMessage: "Close message",
  signedOut: {
    text: "Your session has ended. Sign in again, then submit this form again: your entries are kept.",
    action: "Sign in in a new tab",
  },
  failed: {
    title: "Loading failed",
    unreachable: "The server can't be reached. We keep trying.",
    busy: "The server is busy. Nothing was lost; please try again in a moment.",
    computing: "This is still being computed, and appears here as soon as it is ready.",
    other: "An internal error occurred.",
    secondFactor: "Your role requires a second factor. Set one on the page of your account.",
  },
};
