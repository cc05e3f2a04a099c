import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";

import { isKind, UNREACHABLE } from "@/shared/api/problem";
import { app } from "@/shared/strings/app";

/** In place of what did not come, with a way to ask again. */
export function LoadFailed({ error, onRetry }: { error: unknown; onRetry: () => unknown }) {
  return (
    <Alert color="red" icon={<IconPlugConnectedX aria-hidden />} title={app.failed.title} role="alert">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{sentence(error)}</Text>
        <Button size="xs" variant="default" onClick={() => void onRetry()}>
          {app.tryAgain}
        </Button>
      </Stack>
    </Alert>
  );
}

function sentence(error: unknown): string {
  if (isKind(error, UNREACHABLE)) return app.failed.unreachable;
  if (isKind(error, "busy", "stale-read")) return app.failed.busy;
  return app.failed.other;
}
