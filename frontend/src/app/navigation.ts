import {
  IconActivity,
  IconBook2,
  IconCalendarEvent,
  IconCash,
  IconChartBar,
  IconClipboardList,
  IconTicket,
  IconUsers,
  type Icon,
} from "@tabler/icons-react";

import type { Role } from "@/shared/api/generated/model";

import { shellText } from "./strings";

interface Destination {
  to: string;
  label: string;
  icon: Icon;
  /** The roles that see it; all if omitted. */
  roles?: readonly Role[];
}

const DESTINATIONS: readonly Destination[] = [
  { to: "/", label: shellText.navigation.events, icon: IconCalendarEvent },
  {
    to: "/bookings",
    label: shellText.navigation.bookings,
    icon: IconTicket,
    roles: ["customer", "organizer", "admin"],
  },
  { to: "/organise", label: shellText.navigation.organise, icon: IconClipboardList, roles: ["organizer", "admin"] },
  { to: "/statistics", label: shellText.navigation.statistics, icon: IconChartBar, roles: ["organizer", "admin"] },
  {
    to: "/payments",
    label: shellText.navigation.payments,
    icon: IconCash,
    roles: ["organizer", "admin", "auditor"],
  },
  { to: "/accounts", label: shellText.navigation.accounts, icon: IconUsers, roles: ["admin"] },
  { to: "/ledger", label: shellText.navigation.audit, icon: IconBook2, roles: ["auditor", "admin"] },
  { to: "/projections", label: shellText.navigation.projections, icon: IconActivity, roles: ["auditor", "admin"] },
];

export function destinationsFor(role: Role | undefined): readonly Destination[] {
  return DESTINATIONS.filter(({ roles }) => roles === undefined || (role !== undefined && roles.includes(role)));
}
