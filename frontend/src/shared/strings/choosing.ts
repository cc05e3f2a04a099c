export const choosing = {
  event: "Event",
  anyEvent: "All events",
  noEvent: "No event matches",
  clear: "Clear",
  moment: "Day and time",
  calendar: {
    nextMonth: "Next month",
    previousMonth: "Previous month",
    nextYear: "Next year",
    previousYear: "Previous year",
    nextDecade: "Next decade",
    previousDecade: "Previous decade",
  },
  hours: "Hours",
  minutes: "Minutes",
  amPm: "AM or PM",
  take: "Take this time",
};
