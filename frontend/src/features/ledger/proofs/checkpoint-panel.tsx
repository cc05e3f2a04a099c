import { Accordion, Button, Code, CopyButton, Stack, Text } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Checkpoint } from "@/shared/api/generated/model";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { checkpointQuery } from "../queries";
import { DefinitionList } from "./definition-list";
import { checkpointText } from "./strings";

const text = checkpointText;

/** The latest checkpoint, loaded when the panel is opened. */
export function CheckpointPanel() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Accordion
      variant="contained"
      radius="lg"
      bg="var(--mantine-color-body)"
      onChange={(open) => setIsOpen(open !== null)}
    >
      <Accordion.Item value="proof">
        <Accordion.Control>
          <Text fw={650}>{text.title}</Text>
          <Text size="sm" c="dimmed">
            {text.lead}
          </Text>
        </Accordion.Control>
        <Accordion.Panel>{isOpen && <LatestCheckpoint />}</Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}

function LatestCheckpoint() {
  const { data, error, refetch } = useQuery(checkpointQuery());
  if (data !== undefined) return <CheckpointDetails checkpoint={data} />;
  if (error === null) return <LoadingRows rows={2} />;
  return <LoadError error={error} onRetry={refetch} />;
}

function CheckpointDetails({
  checkpoint: { origin, size, root, note, verifier_key, ledger_position },
}: {
  checkpoint: Checkpoint;
}) {
  const facts: [label: string, value: string][] = [
    [text.size, formatCount(size)],
    [text.position, formatCount(ledger_position)],
    [text.origin, origin],
    [text.root, root],
    [text.key, verifier_key],
  ];
  return (
    <Stack gap="md">
      <DefinitionList facts={facts} />
      <Text size="sm" c="dimmed">
        {text.keyHint}
      </Text>
      <Code block tabIndex={0} role="region" aria-label={text.note} style={{ overflow: "auto" }}>
        {note}
      </Code>
      <CopyButton value={note}>
        {({ copied, copy }) => (
          <Button
            w="fit-content"
            variant="default"
            leftSection={copied ? <IconCheck size={18} aria-hidden /> : <IconCopy size={18} aria-hidden />}
            onClick={copy}
          >
            {copied ? text.copied : text.copy}
          </Button>
        )}
      </CopyButton>
    </Stack>
  );
}
