import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";

import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { appText } from "@/shared/strings/app";

/** Replaces content that failed to load, with a button to retry. */
export function LoadError({ error, onRetry }: { error: unknown; onRetry: () => unknown }) {
  return (
    <Alert color="red" icon={<IconPlugConnectedX aria-hidden />} title={appText.failed.title} role="alert">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{sentence(error)}</Text>
        <Button size="xs" variant="default" onClick={() => void onRetry()}>
          {appText.tryAgain}
        </Button>
      </Stack>
    </Alert>
  );
}

function sentence(error: unknown): string {
  if (isKind(error, UNREACHABLE)) return appText.failed.unreachable;
  if (isKind(error, "busy", "stale-read")) return appText.failed.busy;
  if (isKind(error, "still-computing")) return appText.failed.computing;
  if (isKind(error, "second-factor-missing")) return appText.failed.secondFactor;
  return appText.failed.other;
}
