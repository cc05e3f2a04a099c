import { Paper, Stack, Text, Timeline, Title, UnstyledButton } from "@mantine/core";

import type { Entry } from "@/shared/api/generated/model";
import { formatCount } from "@/shared/formatting/counts";
import { formatTimestamp } from "@/shared/formatting/durations";

import { describeEntry, nameEntryType } from "../entries/entry-types";
import { selectNeighbours } from "./entry-indices";
import classes from "./entry-timeline.module.css";
import { historyText } from "./strings";

const text = historyText;
const MOST = 9;
const SHORT = 8;

interface Props {
  entries: readonly Entry[];
  index: number;
  onSelect: (index: number) => void;
}

/** The entries before and after the selected one. */
export function EntryTimeline({ entries, index, onSelect }: Props) {
  const shown = selectNeighbours(index, entries.length, MOST);
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }}>
      <Stack gap="md">
        <Title order={2} size="h4">
          {text.timeline}
        </Title>
        <Timeline active={shown.indexOf(index)} bulletSize={18} lineWidth={2}>
          {shown.map((entryIndex) => {
            const entry = entries[entryIndex];
            if (entry === undefined) return null;
            return (
              <Timeline.Item key={entry.position}>
                <UnstyledButton
                  className={classes.entry ?? ""}
                  aria-current={entryIndex === index ? "step" : undefined}
                  onClick={() => onSelect(entryIndex)}
                >
                  <Text fw={650} size="sm">
                    {nameEntryType(entry.type)}
                  </Text>
                  <Text size="sm">{describeEntry(entry)}</Text>
                  <Text size="xs" c="dimmed">
                    {entry.at === null ? "" : formatTimestamp(entry.at)} · {formatCount(entry.position)}
                    {entry.actor_id !== null && ` · ${text.by(entry.actor_id.slice(0, SHORT))}`}
                  </Text>
                </UnstyledButton>
              </Timeline.Item>
            );
          })}
        </Timeline>
      </Stack>
    </Paper>
  );
}
