/** Dates and times, on every page. */
export const dateTimesText = {
  openDate: "Open date",
  doorsAndShow: (doors: string, show: string) => `Doors ${doors}, show ${show}`,
  onUntil: (moment: string) => `On until ${moment}`,
  since: (moment: string) => `Since ${moment}`,
  salesUntil: (moment: string) => `Sales until ${moment}`,
};
