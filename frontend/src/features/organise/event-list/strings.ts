export const eventListText = {
  lead: { own: "Your events, and how they sell.", all: "Everybody's events, and how they sell." },
  create: "New event",
  search: "Search by name or venue",
  status: "Status",
  table: "Events",
  columns: { event: "Event", when: "When", status: "Status", sold: "Sold" },
  soldShare: (name: string) => `Share of the seats of ${name} that is sold`,
  overdue: "Over: complete it",
  none: {
    title: "No event yet",
    text: "Put one on: a name, a date and its seats are enough, and it is on sale at once.",
  },
  noMatch: { title: "No event matches", text: "Try another word, or another status.", action: "Show all" },
};
