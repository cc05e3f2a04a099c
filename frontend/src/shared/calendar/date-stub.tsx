import { leaf } from "@/shared/formatting/moments";

import classes from "./date-stub.module.css";

/** The day of an event, as the stub of its ticket. For eyes only: the moment in full stands beside it. */
export function DateStub({ at, timeZone, isOff = false }: { at: string; timeZone: string; isOff?: boolean }) {
  const { weekday, day, month, year } = leaf(at, timeZone);
  return (
    <div className={classes.stub} data-off={isOff || undefined} aria-hidden>
      <span className={classes.month}>{weekday}</span>
      <span className={classes.day}>{day}</span>
      <span className={classes.month}>{month}</span>
      <span className={classes.year}>{year}</span>
    </div>
  );
}
