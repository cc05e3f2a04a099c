import { formatCount } from "@/shared/formatting/counts";

/** What several screens of organizers say; each screen has a file of its own beside it. */
export const organiseText = {
  title: "Organise",
  statuses: { active: "Active", completed: "Completed", cancelled: "Cancelled", all: "All" },
  sold: (taken: number, capacity: number) => `${formatCount(taken)} of ${formatCount(capacity)}`,
};
