/** What several screens of auditors say; each screen has a file of its own beside it. */
export const ledgerText = {
  back: "Ledger",
};
