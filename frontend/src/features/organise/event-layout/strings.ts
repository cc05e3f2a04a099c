export const eventLayoutText = {
  back: "All events",
  sections: "Sections of this event",
  overview: "Overview",
  bookings: "Bookings",
  sell: "Box office",
  checkIn: "Check-in",
  payments: "Payments",
  codes: "Promo codes",
  messages: "Messages",
  edit: "Edit",
  public: "Public page",
  notFound: { title: "Event not found", text: "The address may be mistyped.", action: "All events" },
  notYours: {
    title: "Another organizer's event",
    text: "Only its organizer or an admin can see its bookings, sell tickets or check them in.",
  },
  over: {
    cancelled: {
      title: "This event has been cancelled",
      text: "All bookings were cancelled with a full refund. It can no longer be changed.",
    },
    cancelledOwing: {
      title: "This event has been cancelled",
      text: "All bookings were cancelled. What was paid for them is owed back: see Payments. The event can no longer be changed.",
    },
    completed: { title: "This event has been completed", text: "Sales, check-in and editing are closed." },
  },
};
