import { formatCount } from "@/shared/formatting/counts";

export const projectionsText = {
  title: "Projections",
  lead: "What is read is folded from the ledger. Here is how far each has come.",
  head: "The ledger's head",
  live: "Looked at every 2 seconds",
  table: "Projections",
  columns: {
    name: "Projection",
    state: "State",
    position: "Position",
    entries: "Entries behind",
    seconds: "Time behind",
  },
  states: { running: "Running", stalled: "Stalled", frozen: "Frozen" },
  upToDate: "Up to date",
  caughtUp: (name: string) => `How far ${name} has come`,
  version: (version: number) => `Version ${version}`,
  behind: (entries: number) => (entries >= 100_000 ? `${formatCount(entries)} or more` : formatCount(entries)),
  stalled: {
    title: (name: string) => `${name} has stopped`,
    at: (position: number) =>
      `At the entry at position ${formatCount(position)}, which it can't apply. It waits to be repaired; selling goes on.`,
    unknown: "It waits to be repaired; selling goes on.",
  },
  frozen: {
    title: (name: string) => `Nobody is working on ${name}`,
    text: "The ledger has moved on for 10 seconds and this has not: look whether a worker runs.",
  },
  rebuild: (position: number, target: number) => `Rebuilding: ${formatCount(position)} of ${formatCount(target)}`,
  rebuildLeft: (duration: string) => `about ${duration} left`,
  rebuildOf: (name: string) => `How far the rebuilding of ${name} is`,
  verification: {
    title: "Verification",
    never: "This ledger has not been verified yet: a worker does so once a day, and who runs the system at any time.",
    sound: "All of it was proven",
    altered: "Something was altered",
    said: (entries: number, position: number, when: string) =>
      `${formatCount(entries)} entries, up to position ${formatCount(position)}, ${when}.`,
  },
  about: {
    audit: "The proof: a Merkle tree over every entry",
    availability: "Seats left, by category",
    bookings: "Who booked what, and their tickets",
    catalogue: "Events as they are listed and searched",
    revenue: "Gross, refunded and net, by event and time",
  } as Readonly<Record<string, string>>,
  none: { title: "No projection yet", text: "They are there as soon as the first worker has started." },
};
