import { Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

export function SectionHeader(props: { id: string; title: string; note?: string; actions?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-end">
      <div>
        <Title order={2} size="h3" id={props.id}>
          {props.title}
        </Title>
        {props.note !== undefined && (
          <Text size="sm" c="dimmed">
            {props.note}
          </Text>
        )}
      </div>
      {props.actions}
    </Group>
  );
}
