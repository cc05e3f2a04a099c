import { Box, Group, Stack, Text, Title } from "@mantine/core";
import { useEffect, useRef, type ReactNode } from "react";
import { useLocation } from "react-router";

import { appText } from "@/shared/strings/app";

/**
 * A page: its title, as heading and as the document's, and what stands under it. After a change of page the heading has the
 * focus, so that a screen reader announces the new page.
 */
export function Page(props: {
  title: string;
  documentTitle?: string;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useLocation().key === "default";

  useEffect(() => {
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    // Of a page that stays (other filters in its address) the focus stays where it is.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  return (
    <Stack gap="xl">
      <title>{`${props.documentTitle ?? props.title} · ${appText.name}`}</title>
      <Group justify="space-between" align="flex-end" gap="md">
        <Box maw={720}>
          <Title order={1} ref={heading} tabIndex={-1} data-page-heading>
            {props.title}
          </Title>
          {props.lead !== undefined && (
            <Text component="div" c="dimmed" mt={6} size="lg" style={{ overflowWrap: "anywhere" }}>
              {props.lead}
            </Text>
          )}
        </Box>
        {props.actions}
      </Group>
      {props.children}
    </Stack>
  );
}
