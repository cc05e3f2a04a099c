import { Badge } from "@mantine/core";

import type { EventStatus } from "@/shared/api/generated/model";

import { organiseText } from "./strings";

const COLOURS = { active: "ledger", completed: "blue", cancelled: "red" };

export function StatusBadge({ status }: { status: EventStatus }) {
  return (
    <Badge color={COLOURS[status]} variant="light">
      {organiseText.statuses[status]}
    </Badge>
  );
}
