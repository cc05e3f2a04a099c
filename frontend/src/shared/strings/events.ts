export const events = {
  title: "What's on",
  lead: "Find an evening, pick your seats, done. The counts are live.",
};
