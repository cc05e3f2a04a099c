import { Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** Replaces an empty list: says why it is empty, and offers an action. */
export function EmptyState(props: { icon: Icon; title: string; text: string; action?: ReactNode }) {
  return (
    <Paper withBorder p={{ base: "xl", sm: 56 }} radius="lg">
      <Stack align="center" gap="xs" ta="center">
        <ThemeIcon size={64} radius="xl" variant="light" mb="xs">
          <props.icon size={32} stroke={1.5} aria-hidden />
        </ThemeIcon>
        <Title order={2} size="h3">
          {props.title}
        </Title>
        <Text c="dimmed" maw={420}>
          {props.text}
        </Text>
        {props.action !== undefined && <div style={{ marginTop: 12 }}>{props.action}</div>}
      </Stack>
    </Paper>
  );
}
