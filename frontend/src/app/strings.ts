/** Strings of the shell around every page. */
export const shellText = {
  skipToContent: "Skip to content",
  openNavigation: "Open navigation",
  closeNavigation: "Close navigation",
  mainNavigation: "Main",
  footer: "No seat is sold twice. Every number can be verified.",
  apiDocumentation: "API",
  signIn: "Sign in",
  signUp: "Create account",
  signOut: "Sign out",
  account: "Your account",
  mailbox: "Mailbox of the demo",
  webhooks: "Webhooks",
  accountMenu: (name: string) => `Account menu of ${name}`,
  navigation: {
    events: "Events",
    bookings: "My bookings",
    organise: "Organise",
    statistics: "Statistics",
    accounts: "Accounts",
    projections: "Projections",
    audit: "Ledger",
  },
  colours: {
    light: "Colours: light. Change to dark",
    dark: "Colours: dark. Change to system setting",
    auto: "Colours: system setting. Change to light",
  },
  crashed: {
    title: "This page failed",
    text: "An internal error occurred. Reload the page: completed bookings are safe, and nothing was booked twice.",
    reload: "Reload page",
  },
  notFound: {
    title: "Page not found",
    text: "The address may be mistyped, or the page no longer exists.",
    action: "Browse events",
  },
  forbidden: {
    title: "No access",
    text: "Your role does not have access to this page. An admin can change your role.",
  },
};
