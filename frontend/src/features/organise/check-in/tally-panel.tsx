import { Badge, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";

import { count } from "@/shared/formatting/counts";

import { checkInText } from "./strings";
import type { Tally } from "./use-check-in";

const text = checkInText;
const COLOURS = { yes: "ledger", no: "red", unclear: "yellow" };

/** How many came in and how many did not, and the last of them. */
export function TallyPanel({ tally, onClear }: { tally: Tally; onClear: () => void }) {
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }}>
      <Stack gap="md">
        <Title order={2} size="h3">
          {text.tally.title}
        </Title>
        <SimpleGrid cols={2}>
          <Figure label={text.tally.admitted} value={tally.admitted} />
          <Figure label={text.tally.refused} value={tally.refused} />
        </SimpleGrid>
        <Title order={3} size="h5">
          {text.tally.recent}
        </Title>
        {tally.last.length === 0 && (
          <Text size="sm" c="dimmed">
            {text.tally.none}
          </Text>
        )}
        {tally.last.map((one) => (
          <Group key={one.at} justify="space-between" wrap="nowrap" gap="xs">
            <div>
              <Text ff="monospace" size="xs" style={{ overflowWrap: "anywhere" }}>
                {one.code}
              </Text>
              <Text size="xs" c="dimmed">
                {one.why}
              </Text>
            </div>
            <Badge color={COLOURS[one.answer]} variant="light" flex="none">
              {one.answer === "yes" ? text.tally.admitted : text.tally.refused}
            </Badge>
          </Group>
        ))}
        {tally.last.length > 0 && (
          <Button variant="subtle" size="xs" w="fit-content" onClick={onClear}>
            {text.tally.clear}
          </Button>
        )}
      </Stack>
    </Paper>
  );
}

function Figure({ label, value }: { label: string; value: number }) {
  return (
    <div>
      <Text c="dimmed" size="sm">
        {label}
      </Text>
      <Text fz={32} fw={750} lh={1.1}>
        {count(value)}
      </Text>
    </div>
  );
}
