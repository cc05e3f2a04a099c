export const manageText = {
  title: "Your booking",
  renew: {
    action: "Replace this link",
    title: "Replace this link",
    text: (email: string) =>
      `Whoever has the link can see and cancel your tickets. If somebody else got it, replace it: this one ends, and a new one is mailed to ${email}. Your tickets remain valid.`,
    keep: "Keep this link",
    confirm: "Replace link",
  },
  renewed: {
    title: "A new link is on its way",
    text: (email: string) => `We have mailed it to ${email}. This link and all earlier ones no longer work.`,
  },
  account: {
    title: "Keep it in an account",
    text: (email: string) =>
      `Create an account with ${email} and confirm the address: then this booking is under My bookings, without the link.`,
    signUp: "Create account",
    signIn: "Sign in",
    textSignedIn: (email: string) =>
      `Move it to your account, which has the same address, ${email}. It is under My bookings then, and this link ends.`,
    otherAddress: (own: string, email: string) =>
      `The booking was made for ${email}, and your account has the address ${own}. An account with the same address can take it over.`,
    claim: "Move to my account",
    unverified:
      "Confirm the e-mail address of your account: then the booking moves there by itself, and this link ends.",
    toAccount: "Your account",
  },
  superseded: {
    title: "This link has ended",
    text: "A newer mail about the booking has the link that works. If the booking was moved to an account, sign in.",
    action: "Sign in",
  },
  unknown: {
    title: "This link does not work",
    text: "Part of it may be missing. Open it from the mail about your booking again.",
  },
  missing: {
    title: "No booking open",
    text: "The mail about your booking has the link to this page.",
  },
  browse: "Browse events",
  problems: {
    "mail-off": "This installation sends no mail.",
    "link-superseded": "This link has ended.",
    unreachable: "The server did not respond. Try again.",
    other: "That did not work. Please try again.",
  } as Record<string, string>,
};
