import { formatCount } from "@/shared/formatting/counts";

export const checkpointText = {
  title: "Proof",
  lead: "What was last signed of this ledger. Keep it: whatever is altered later does not match it.",
  size: "Entries",
  position: "Up to position",
  origin: "Origin",
  root: "Root hash",
  key: "Verifier key",
  keyHint: "Compare it with what you were given elsewhere: it is worth what its source is.",
  note: "The signed note",
  copy: "Copy the note",
  copied: "Copied",
};

export const inclusionText = {
  prove: "Prove that it is in the log",
  of: (position: number) => `Proof of entry ${formatCount(position)}`,
  inclusion: {
    valid: (number: number, size: number) =>
      `It is number ${formatCount(number)} of the ${formatCount(size)} signed entries: its hash leads to their root. Checked by your browser.`,
    invalid: (number: number, size: number) =>
      `The proof is invalid: as number ${formatCount(number)} of ${formatCount(size)}, its hash does not lead to the root that was signed.`,
    unchecked: (number: number, size: number) =>
      `The server says that it is number ${formatCount(number)} of ${formatCount(size)} signed entries. Your browser checks that over HTTPS only.`,
  },
  signature: {
    valid: "That root is signed with the verifier key. Checked by your browser.",
    invalid: "The signature is invalid: it was not made with the verifier key.",
    unchecked: "Whether that root is signed with the verifier key, this browser can't check.",
  },
  limits:
    "The key is worth what its source is: compare it with what you were given elsewhere. That the entry's hash is that of the" +
    " entry above, a booking's receipt shows offline.",
  facts: { leaf: "The entry's hash", hashes: "Hashes on the way", root: "Root hash", key: "Verifier key" },
  asJson: "The proof as JSON",
};
