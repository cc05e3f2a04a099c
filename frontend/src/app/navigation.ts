import { IconCalendarEvent, IconTicket, type Icon } from "@tabler/icons-react";

import type { Role } from "@/shared/api/generated/model";
import { app } from "@/shared/strings/app";

interface Destination {
  to: string;
  label: string;
  icon: Icon;
  /** Who sees it; everybody where it is left out. */
  roles?: readonly Role[];
}

const DESTINATIONS: readonly Destination[] = [
  { to: "/", label: app.navigation.events, icon: IconCalendarEvent },
  { to: "/bookings", label: app.navigation.bookings, icon: IconTicket, roles: ["customer", "organizer", "admin"] },
];

export function destinationsFor(role: Role | undefined): readonly Destination[] {
  return DESTINATIONS.filter(({ roles }) => roles === undefined || (role !== undefined && roles.includes(role)));
}
