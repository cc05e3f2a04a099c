import { eventFormText } from "../event-form/strings";

export const editEventText = {
  title: "Edit",
  submit: "Save changes",
  done: "Your changes have been saved.",
  unchanged: "Nothing has changed.",
  reset: "Discard changes",
};

export const conflictText = {
  title: "This event was changed by someone else",
  text: "Your changes are not lost. Choose which version of each field to keep, then save.",
  theirs: "Their version",
  mine: "Your version",
  before: (value: string) => `Before: ${value}`,
  unchanged: "(not changed by you)",
  allTheirs: "Keep all of theirs",
  allMine: "Keep all of yours",
  save: "Save selection",
  back: "Continue editing",
  empty: "(empty)",
  removed: "(no category)",
  noPools: "(no pools)",
  pool: (name: string, capacity: string | number, categories: readonly string[]) =>
    `${name}, ${eventFormText.pool.capacity}: ${capacity} (${categories.join(", ")})`,
};
