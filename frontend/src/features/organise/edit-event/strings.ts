export const editEventText = {
  title: "Edit",
  submit: "Save changes",
  done: "Your changes are saved.",
  unchanged: "Nothing has changed.",
  reset: "Undo my changes",
};

export const conflictText = {
  title: "Somebody else saved this event meanwhile",
  text: "Nothing of yours is lost. Where both of you changed something, choose what it shall be; then save.",
  theirs: "Theirs, saved",
  mine: "Yours",
  before: (value: string) => `Before: ${value}`,
  unchanged: "(you did not change it)",
  allTheirs: "Take all of theirs",
  allMine: "Keep all of yours",
  save: "Save what is chosen",
  back: "Go on editing with what is chosen",
  empty: "(nothing)",
  removed: "(no such category)",
};
