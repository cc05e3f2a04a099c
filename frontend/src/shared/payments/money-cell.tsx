import type { ReactNode } from "react";

import classes from "./money-cell.module.css";

/** The content of a table's cell: a badge with notes and buttons below it. */
export function MoneyCell({ children }: { children: ReactNode }) {
  return <div className={classes.cell}>{children}</div>;
}
