export const createEventText = {
  title: "New event",
  lead: "It is on sale as soon as you create it, unless sales open later.",
  submit: "Create event",
  done: "The event is created.",
  back: "All events to organise",
};
