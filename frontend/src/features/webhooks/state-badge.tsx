import { Badge } from "@mantine/core";

import type { WebhookState } from "@/shared/api/generated/model";

import { webhooksText as text } from "./strings";

const COLOURS: Record<WebhookState, string> = { active: "green", paused: "gray", "paused-by-failures": "red" };

export function StateBadge({ state }: { state: WebhookState }) {
  return (
    <Badge variant="light" color={COLOURS[state]} c="var(--mantine-color-text)">
      {text.states[state]}
    </Badge>
  );
}
