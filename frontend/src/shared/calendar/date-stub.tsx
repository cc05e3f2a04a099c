import { IconTicket } from "@tabler/icons-react";

import { toDateParts } from "@/shared/formatting/date-times";
import { dateTimesText } from "@/shared/strings/date-times";

import classes from "./date-stub.module.css";

interface Props {
  /** Null: an open date. */
  at: string | null;
  timeZone: string;
  isOff?: boolean;
}

/** The date of an event, as a ticket stub. Hidden from screen readers: the full date is beside it. */
export function DateStub({ at, timeZone, isOff = false }: Props) {
  return (
    <div className={classes.stub} data-off={isOff || undefined} aria-hidden>
      {at === null ? <OpenDate /> : <DateParts at={at} timeZone={timeZone} />}
    </div>
  );
}

function OpenDate() {
  return (
    <>
      <IconTicket size={38} stroke={1.6} className={classes.icon} />
      <span className={classes.open}>{dateTimesText.openDate}</span>
    </>
  );
}

function DateParts({ at, timeZone }: { at: string; timeZone: string }) {
  const { weekday, day, month, year } = toDateParts(at, timeZone);
  return (
    <>
      <span className={classes.month}>{weekday}</span>
      <span className={classes.day}>{day}</span>
      <span className={classes.month}>{month}</span>
      <span className={classes.year}>{year}</span>
    </>
  );
}
