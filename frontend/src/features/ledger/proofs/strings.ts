import { formatCount } from "@/shared/formatting/counts";

export const checkpointText = {
  title: "Latest checkpoint",
  lead: "The latest signed state of this ledger. Keep a copy: it reveals later alterations.",
  size: "Entries",
  position: "Up to position",
  origin: "Origin",
  root: "Root hash",
  key: "Verifier key",
  keyHint: "Compare it with a copy from an independent, trusted source.",
  note: "Signed note",
  copy: "Copy note",
  copied: "Copied",
};

export const inclusionText = {
  prove: "Verify inclusion in the log",
  of: (position: number) => `Inclusion proof of entry ${formatCount(position)}`,
  inclusion: {
    valid: (number: number, size: number) =>
      `Entry ${formatCount(number)} of ${formatCount(size)} signed entries: its hash leads to the signed root. Verified by your browser.`,
    invalid: (number: number, size: number) =>
      `Invalid proof: as entry ${formatCount(number)} of ${formatCount(size)}, its hash does not lead to the signed root.`,
    unchecked: (number: number, size: number) =>
      `Not verified: according to the server, entry ${formatCount(number)} of ${formatCount(size)} signed entries. Your browser can verify this over HTTPS only.`,
  },
  signature: {
    valid: "The root is signed with the verifier key. Verified by your browser.",
    invalid: "Invalid signature: it was not made with the verifier key.",
    unchecked: "Not verified: this browser can't verify the signature of the root.",
  },
  limits:
    "Compare the key with a copy from an independent, trusted source. This does not verify that the hash is that of the entry" +
    " above: a booking's receipt proves that offline.",
  facts: { leaf: "Entry hash", hashes: "Hashes in the proof", root: "Root hash", key: "Verifier key" },
  asJson: "Proof as JSON",
};
