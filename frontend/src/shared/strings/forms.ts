import { formatCount } from "@/shared/formatting/counts";

export const formsText = {
  event: "Event",
  anyEvent: "All events",
  noEvent: "No events found",
  clear: "Clear",
  moment: "Date and time",
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
  take: "Confirm time",
  quantity: {
    tickets: (category: string) => `Tickets in ${category}`,
    more: (category: string) => `One more in ${category}`,
    fewer: (category: string) => `One fewer in ${category}`,
    wholeNumber: (most: number) => `Enter a whole number from 0 to ${formatCount(most)}.`,
  },
};
