export const createEventText = {
  title: "New event",
  lead: "It goes on sale immediately, unless sales open later.",
  submit: "Create event",
  done: "The event has been created.",
  back: "All events",
};
