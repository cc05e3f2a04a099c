export const pointInTimeText = {
  label: "Position or time",
  hint: "A ledger position such as 1042, or a local time such as 2026-11-21 20:00.",
  go: "Show",
  invalid: "Enter a ledger position or a time.",
  notYet: "The event did not exist at that time.",
};
