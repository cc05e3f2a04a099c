import { ActionIcon, Button, Group, Paper, Slider, Stack, Text } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconChevronsLeft, IconChevronsRight, type Icon } from "@tabler/icons-react";

import { formatTimestamp } from "@/shared/formatting/durations";

import { pointInTimeText } from "../point-in-time/strings";
import { historyText } from "./strings";
import type { useEventHistory } from "./use-event-history";

const text = historyText;

interface Props {
  history: ReturnType<typeof useEventHistory>;
  index: number;
  /** Called while dragging; `onSelect` on release. */
  onDrag: (index: number) => void;
  onSelect: (index: number) => void;
}

/** The entries of one event. Keys: arrows one step, Page Up and Page Down ten, Home and End. */
export function HistorySlider({ history, index, onDrag, onSelect }: Props) {
  const { entries, isReading, hasMore, readOn } = history;
  const last = entries.length - 1;
  const entry = entries[index];
  const steps: [label: string, icon: Icon, to: number][] = [
    [text.first, IconChevronsLeft, 0],
    [text.previous, IconChevronLeft, index - 1],
    [text.next, IconChevronRight, index + 1],
    [text.last, IconChevronsRight, last],
  ];
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }}>
      <Stack gap="md">
        <Group justify="space-between">
          <div aria-live="polite">
            <Text fw={650}>{text.step(Math.max(index, 0) + 1, entries.length, hasMore)}</Text>
            <Text size="sm" c="dimmed">
              {entry === undefined || entry.at === null ? pointInTimeText.notYet : formatTimestamp(entry.at)}
            </Text>
          </div>
          <Group gap={6}>
            {steps.map(([label, StepIcon, to]) => (
              <ActionIcon
                key={label}
                variant="default"
                size={36}
                aria-label={label}
                disabled={to < 0 || to > last || to === index}
                onClick={() => onSelect(to)}
              >
                <StepIcon size={18} aria-hidden />
              </ActionIcon>
            ))}
          </Group>
        </Group>
        <Slider
          thumbLabel={text.slider}
          label={null}
          size="lg"
          min={0}
          max={Math.max(last, 1)}
          disabled={last < 1}
          value={Math.max(index, 0)}
          onChange={onDrag}
          onChangeEnd={onSelect}
        />
        {isReading && (
          <Text size="sm" c="dimmed" role="status">
            {text.loading(entries.length)}
          </Text>
        )}
        {hasMore && !isReading && (
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {text.moreText(entries.length)}
            </Text>
            <Button size="xs" variant="default" onClick={readOn}>
              {text.more}
            </Button>
          </Group>
        )}
      </Stack>
    </Paper>
  );
}
