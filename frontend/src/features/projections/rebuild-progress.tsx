import { Progress, Stack, Text } from "@mantine/core";

import type { Rebuild } from "@/shared/api/generated/model";
import { formatDuration } from "@/shared/formatting/durations";

import { projectionsText as text } from "./strings";

/** The progress of a rebuild, while the old read model still serves. */
export function RebuildProgress({ name, rebuild }: { name: string; rebuild: Rebuild }) {
  const { position, target, seconds_left } = rebuild;
  return (
    <Stack gap={4} mt={6}>
      <Text size="xs">
        {text.rebuild(position, target)}
        {seconds_left !== null && `, ${text.rebuildLeft(formatDuration(seconds_left))}`}
      </Text>
      <Progress
        size="sm"
        color="blue"
        value={target === 0 ? 100 : (100 * position) / target}
        aria-label={text.rebuildOf(name)}
      />
    </Stack>
  );
}
