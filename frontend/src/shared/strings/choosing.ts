export const choosing = {
  event: "Event",
  anyEvent: "All events",
  noEvent: "No event matches",
};
