import {
  IconActivity,
  IconBook2,
  IconCalendarEvent,
  IconChartBar,
  IconClipboardList,
  IconTicket,
  IconUsers,
  type Icon,
} from "@tabler/icons-react";

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
  { to: "/organise", label: app.navigation.organise, icon: IconClipboardList, roles: ["organizer", "admin"] },
  { to: "/statistics", label: app.navigation.statistics, icon: IconChartBar, roles: ["organizer", "admin"] },
  { to: "/people", label: app.navigation.users, icon: IconUsers, roles: ["admin"] },
  { to: "/ledger", label: app.navigation.audit, icon: IconBook2, roles: ["auditor", "admin"] },
  { to: "/projections", label: app.navigation.projections, icon: IconActivity, roles: ["auditor", "admin"] },
];

export function destinationsFor(role: Role | undefined): readonly Destination[] {
  return DESTINATIONS.filter(({ roles }) => roles === undefined || (role !== undefined && roles.includes(role)));
}
