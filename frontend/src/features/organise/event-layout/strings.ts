export const eventLayoutText = {
  back: "All events to organise",
  sections: "Sections of this event",
  overview: "Overview",
  bookings: "Bookings",
  sell: "Box office",
  checkIn: "Check-in",
  edit: "Edit",
  public: "Public page",
  notFound: { title: "No such event", text: "The address may be mistyped.", action: "All events to organise" },
  notYours: {
    title: "Somebody else's event",
    text: "Only its organizer or an admin may see its bookings, sell for it or check in.",
  },
  over: {
    cancelled: {
      title: "This event is cancelled",
      text: "Every booking was cancelled and refunded. Nothing can be changed.",
    },
    completed: { title: "This event is completed", text: "It is closed for sales, check-in and changes." },
  },
};
