export const pointInTimeText = {
  label: "Position or time",
  hint: "A ledger position such as 1042, or a time such as 2026-11-21 20:00 (yours).",
  go: "Go there",
  invalid: "That is neither a position nor a time.",
  notYet: "The event was not there yet then.",
};
