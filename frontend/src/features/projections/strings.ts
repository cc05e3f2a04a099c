import { formatCount } from "@/shared/formatting/counts";

export const projectionsText = {
  title: "Projections",
  lead: "Read models built from the ledger, and the ledger position that each has processed.",
  head: "Latest ledger position",
  live: "Updated every 2 seconds",
  table: "Projections",
  columns: {
    name: "Projection",
    state: "Status",
    position: "Position",
    entries: "Entries behind",
    seconds: "Time behind",
  },
  states: { running: "Running", stalled: "Stalled", frozen: "Frozen" },
  upToDate: "Up to date",
  caughtUp: (name: string) => `Progress of ${name}`,
  version: (version: number) => `Version ${version}`,
  behind: (entries: number) => (entries >= 100_000 ? `${formatCount(entries)} or more` : formatCount(entries)),
  stalled: {
    title: (name: string) => `${name} has stopped`,
    at: (position: number) =>
      `It can't process the entry at position ${formatCount(position)}, and resumes after a repair. Sales continue.`,
    unknown: "It resumes after a repair. Sales continue.",
  },
  setAside: {
    title: (events: number) =>
      events === 1 ? "One event is set aside" : `${formatCount(events)} events are set aside`,
    explanation:
      "An entry of the event can't be processed, so the projections named here show the event as it was before. Other events and sales continue.",
    command: "Workers try again every ten minutes and after an upgrade, an operator with",
    resume: "python -m projections resume NAME",
    event: (id: string, position: number) => `Event ${id}, before position ${formatCount(position)}`,
    more: (events: number) => `${formatCount(events)} more are set aside.`,
    count: (events: number) => (events === 1 ? "1 event set aside" : `${formatCount(events)} events set aside`),
  },
  subscriptions: {
    title: "Mail and webhooks",
    lead: "They follow the ledger, too, to tell customers and programs about it.",
    name: "Told by",
    names: { mail: "Mail", webhooks: "Webhooks" } as Readonly<Record<string, string>>,
    about: { mail: "Customers, by mail", webhooks: "Programs, by signed requests" } as Readonly<Record<string, string>>,
    states: { running: "Running", stalled: "Stalled", frozen: "Frozen", off: "Off" },
    stalledTitle: (name: string) => `${name}: stopped`,
    stalled: (position: number) =>
      `The entry at position ${formatCount(position)} can't be read, and nobody is told about it or what came after. What was written before is sent. If a later release made it, upgrade. Otherwise an operator passes it over with`,
    command: "python -m notifications skip",
    frozenTitle: (name: string) => `${name}: nobody is told`,
    frozen:
      "There is something to tell, and for two minutes nobody has been told. Check that a worker is running, and that the projections are.",
  },
  frozen: {
    title: (name: string) => `${name} is not being processed`,
    text: "The ledger has grown for 10 seconds and this projection has not followed. Check that a worker is running.",
  },
  rebuild: (position: number, target: number) => `Rebuilding: ${formatCount(position)} of ${formatCount(target)}`,
  rebuildLeft: (duration: string) => `about ${duration} left`,
  rebuildOf: (name: string) => `Progress of the rebuild of ${name}`,
  verification: {
    title: "Verification",
    never: "This ledger has not been verified yet. A worker verifies it once a day, an operator at any time.",
    sound: "Ledger and projections verified",
    altered: "Alteration detected",
    said: (entries: number, position: number, when: string) =>
      `${formatCount(entries)} entries, up to position ${formatCount(position)}, ${when}.`,
  },
  about: {
    audit: "Merkle tree over all entries, for proofs",
    availability: "Seats left by category",
    bookings: "Bookings and their tickets",
    catalogue: "Events for lists and search",
    revenue: "Gross, refunds and net by event and time",
  } as Readonly<Record<string, string>>,
  none: { title: "No projections yet", text: "They appear when the first worker has started." },
};
