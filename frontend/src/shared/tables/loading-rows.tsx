import { Skeleton, Stack } from "@mantine/core";

import { appText } from "@/shared/strings/app";

/** Replaces a list while it loads. */
export function LoadingRows({ rows = 6, height = 56 }: { rows?: number; height?: number }) {
  return (
    <Stack gap="xs" role="status" aria-label={appText.loading}>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} radius="md" />
      ))}
    </Stack>
  );
}
