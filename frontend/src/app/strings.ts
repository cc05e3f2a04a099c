/** What the frame around every page says. */
export const frameText = {
  skipToContent: "Skip to content",
  openNavigation: "Open navigation",
  closeNavigation: "Close navigation",
  mainNavigation: "Main",
  footer: "Every seat is sold once. Every number can be derived again.",
  apiDocumentation: "API",
  signIn: "Sign in",
  signUp: "Sign up",
  signOut: "Sign out",
  account: "Your account",
  accountMenu: (name: string) => `Account menu of ${name}`,
  navigation: {
    events: "Events",
    bookings: "My bookings",
    organise: "Organise",
    statistics: "Statistics",
    users: "People",
    projections: "Projections",
    audit: "Ledger",
  },
  colours: {
    light: "Colours: light. Change to dark",
    dark: "Colours: dark. Change to what the system has",
    auto: "Colours: what the system has. Change to light",
  },
  crashed: {
    title: "This page broke",
    text: "That is our mistake. Load it again; whatever was booked is booked, and nothing was booked twice.",
    reload: "Load again",
  },
  notFound: {
    title: "There is nothing here",
    text: "The address may be mistyped, or what stood here is gone.",
    action: "See what is on",
  },
  forbidden: {
    title: "Not for your role",
    text: "You are signed in, but this page is for somebody else. An admin can change roles.",
  },
};
