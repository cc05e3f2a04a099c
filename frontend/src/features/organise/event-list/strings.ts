export const eventListText = {
  lead: { own: "Your events and their sales.", all: "All events and their sales." },
  create: "New event",
  search: "Search by name or venue",
  status: "Status",
  table: "Events",
  columns: { event: "Event", when: "When", status: "Status", sold: "Sold" },
  soldShare: (name: string) => `Share of seats sold for ${name}`,
  overdue: "Ended: complete it",
  none: {
    title: "No events yet",
    text: "Create one: it needs a name, a date and seats, and is on sale immediately.",
  },
  noMatch: { title: "No events found", text: "Try another search term or another status.", action: "Show all" },
};
