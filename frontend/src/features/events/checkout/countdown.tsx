import { Button, Group, Progress, Stack, Text, VisuallyHidden } from "@mantine/core";

import { checkoutText } from "./strings";

/** When screen readers are told, in seconds before the end. */
const ANNOUNCED_AT = [600, 300, 120, 60];

interface Props {
  /** Seconds. */
  left: number;
  total: number;
  /** More time, if one can ask for it. */
  extension?: { extend: () => void; isSending: boolean; message: string | null; isPossible: boolean };
  /** What ends. */
  of?: "held" | "payable";
}

/** How long the seats are still held or can be paid, for eyes each second, for ears now and then; and the button to get more time. */
export function Countdown({ left, total, extension, of = "held" }: Props) {
  const text = checkoutText[of];
  const isShort = left <= 120;
  return (
    <Stack gap={8}>
      <Group justify="space-between" align="baseline">
        <Text size="sm" c="dimmed">
          {text.until}
        </Text>
        <Text fw={700} c={isShort ? "var(--mantine-color-error)" : undefined} data-testid="time-left" aria-hidden>
          {checkoutText.timeLeft(formatMinutes(left))}
        </Text>
      </Group>
      <Progress
        value={(100 * left) / Math.max(total, left, 1)}
        color={isShort ? "red" : undefined}
        aria-hidden
        size="sm"
      />
      <VisuallyHidden role="timer" aria-live="polite" aria-atomic>
        {announcement(left, total, text)}
      </VisuallyHidden>
      {extension?.isPossible === true && (
        <Button variant="default" size="xs" onClick={extension.extend} loading={extension.isSending} w="fit-content">
          {checkoutText.held.moreTime}
        </Button>
      )}
      {extension !== undefined && (
        <Text size="sm" role="status">
          {extension.message}
        </Text>
      )}
    </Stack>
  );
}

/** It changes only when something is to be said. */
function announcement(left: number, total: number, text: typeof checkoutText.payable): string {
  if (left === 0) return checkoutText.over.title;
  if (left < 60) return text.lessThanAMinute;
  const reached = ANNOUNCED_AT.filter((at) => left <= at).at(-1);
  return text.announced(Math.round((reached ?? total) / 60));
}

function formatMinutes(seconds: number): string {
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, "0")}`;
}
