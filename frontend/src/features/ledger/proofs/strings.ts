import { count } from "@/shared/formatting/counts";

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
  of: (position: number) => `Proof of entry ${count(position)}`,
  inclusion: {
    right: (number: number, size: number) =>
      `It is number ${count(number)} of the ${count(size)} signed entries: its hash leads to their root. Checked by your browser.`,
    wrong: (number: number, size: number) =>
      `The proof is wrong: as number ${count(number)} of ${count(size)}, its hash does not lead to the root that was signed.`,
    unchecked: (number: number, size: number) =>
      `The server says that it is number ${count(number)} of ${count(size)} signed entries. Your browser checks that over HTTPS only.`,
  },
  signature: {
    right: "That root is signed with the verifier key. Checked by your browser.",
    wrong: "The signature is wrong: it was not made with the verifier key.",
    unchecked: "Whether that root is signed with the verifier key, this browser can't check.",
  },
  limits:
    "The key is worth what its source is: compare it with what you were given elsewhere. That the entry's hash is that of the" +
    " entry above, a booking's receipt shows offline.",
  facts: { leaf: "The entry's hash", hashes: "Hashes on the way", root: "Root hash", key: "Verifier key" },
  asJson: "The proof as JSON",
};
