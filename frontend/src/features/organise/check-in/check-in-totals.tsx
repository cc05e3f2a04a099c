import { Badge, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";

import { formatCount } from "@/shared/formatting/counts";

import { checkInText } from "./strings";
import type { Totals } from "./use-check-in";

const text = checkInText;
const COLOURS = { yes: "ledger", no: "red", unclear: "yellow" };

/** Counts of admitted and refused tickets, and the latest of them. */
export function CheckInTotals({ totals, onClear }: { totals: Totals; onClear: () => void }) {
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }}>
      <Stack gap="md">
        <Title order={2} size="h3">
          {text.totals.title}
        </Title>
        <SimpleGrid cols={2}>
          <Figure label={text.totals.admitted} value={totals.admitted} />
          <Figure label={text.totals.refused} value={totals.refused} />
        </SimpleGrid>
        <Title order={3} size="h5">
          {text.totals.recent}
        </Title>
        {totals.last.length === 0 && (
          <Text size="sm" c="dimmed">
            {text.totals.none}
          </Text>
        )}
        {totals.last.map((ticket) => (
          <Group key={ticket.at} justify="space-between" wrap="nowrap" gap="xs">
            <div>
              <Text ff="monospace" size="xs" style={{ overflowWrap: "anywhere" }}>
                {ticket.code}
              </Text>
              <Text size="xs" c="dimmed">
                {ticket.why}
              </Text>
            </div>
            <Badge color={COLOURS[ticket.answer]} variant="light" flex="none">
              {ticket.answer === "yes" ? text.totals.admitted : text.totals.refused}
            </Badge>
          </Group>
        ))}
        {totals.last.length > 0 && (
          <Button variant="subtle" size="xs" w="fit-content" onClick={onClear}>
            {text.totals.clear}
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
        {formatCount(value)}
      </Text>
    </div>
  );
}
