/** What several features say, and the shared components. */
export const appText = {
  name: "Seatledger",
  roles: { customer: "Customer", organizer: "Organizer", auditor: "Auditor", admin: "Admin" },
  loading: "Loading…",
  tryAgain: "Try again",
  signedOut: {
    text: "You are not signed in any more. Sign in, then send this again: what you entered stays here.",
    action: "Sign in in a new tab",
  },
  failed: {
    title: "That did not load",
    unreachable: "The server can't be reached at the moment. We keep trying.",
    busy: "The server is very busy at the moment. Nothing was lost; try again in a moment.",
    other: "Something went wrong on our side.",
  },
};
