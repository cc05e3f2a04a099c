import { Paper, Stack, Text, Timeline, Title, UnstyledButton } from "@mantine/core";

import type { Entry } from "@/shared/api/generated/model";
import { count } from "@/shared/formatting/counts";
import { exactly } from "@/shared/formatting/durations";

import { describe, nameOf } from "../entries/description";
import { around } from "../point-in-time/moments";
import { historyText } from "./strings";
import classes from "./surroundings.module.css";

const text = historyText;
const MOST = 9;
const SHORT = 8;

interface Props {
  entries: readonly Entry[];
  index: number;
  onSelect: (index: number) => void;
}

/** The entries before and after the chosen one: what has happened by then, and what was still to come. */
export function Surroundings({ entries, index, onSelect }: Props) {
  const shown = around(index, entries.length, MOST);
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }}>
      <Stack gap="md">
        <Title order={2} size="h4">
          {text.timeline}
        </Title>
        <Timeline active={shown.indexOf(index)} bulletSize={18} lineWidth={2}>
          {shown.map((place) => {
            const entry = entries[place];
            if (entry === undefined) return null;
            return (
              <Timeline.Item key={entry.position}>
                <UnstyledButton
                  className={classes.entry ?? ""}
                  aria-current={place === index ? "step" : undefined}
                  onClick={() => onSelect(place)}
                >
                  <Text fw={650} size="sm">
                    {nameOf(entry.type)}
                  </Text>
                  <Text size="sm">{describe(entry)}</Text>
                  <Text size="xs" c="dimmed">
                    {entry.at === null ? "" : exactly(entry.at)} · {count(entry.position)}
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
