import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleDashed, IconCircleX, IconShieldCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { proofQuery } from "../queries";
import { DefinitionList } from "./definition-list";
import { inclusionText } from "./strings";
import type { Outcome } from "./verify-inclusion";

const text = inclusionText;

const SIGNS = {
  valid: { icon: IconCircleCheck, color: "var(--mantine-color-ledger-light-color)" },
  invalid: { icon: IconCircleX, color: "var(--mantine-color-error)" },
  unchecked: { icon: IconCircleDashed, color: "var(--mantine-color-dimmed)" },
};

/** The proof that an entry is in the signed log, loaded and verified on demand. */
export function InclusionProof({ position }: { position: number }) {
  const [isAsked, setIsAsked] = useState(false);
  if (isAsked) return <VerifiedProof position={position} />;
  return (
    <Button
      size="xs"
      w="fit-content"
      variant="default"
      leftSection={<IconShieldCheck size={18} aria-hidden />}
      onClick={() => setIsAsked(true)}
    >
      {text.prove}
    </Button>
  );
}

function VerifiedProof({ position }: { position: number }) {
  const { data, error, refetch } = useQuery(proofQuery(position));
  if (data === undefined) {
    return error === null ? <LoadingRows rows={2} height={24} /> : <LoadError error={error} onRetry={refetch} />;
  }
  const { proof, key, checked } = data;
  return (
    <Stack gap="xs" ta="start" component="section" aria-label={text.of(position)}>
      <div role="status">
        <OutcomeLine
          outcome={checked.inclusion}
          sentence={text.inclusion[checked.inclusion](proof.leaf_index + 1, proof.size)}
        />
        <OutcomeLine outcome={checked.signature} sentence={text.signature[checked.signature]} />
      </div>
      <Text size="sm" c="dimmed">
        {text.limits}
      </Text>
      <DefinitionList
        facts={[
          [text.facts.leaf, proof.leaf_hash],
          [text.facts.hashes, formatCount(proof.hashes.length)],
          [text.facts.root, checked.root],
          [text.facts.key, key],
        ]}
      />
      <Anchor href={`/api/audit/proof?position=${position}`} target="_blank" rel="noreferrer" size="sm" w="fit-content">
        {text.asJson}
      </Anchor>
    </Stack>
  );
}

function OutcomeLine({ outcome, sentence }: { outcome: Outcome; sentence: string }) {
  const { icon: Sign, color } = SIGNS[outcome];
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Sign size={20} aria-hidden color={color} style={{ flex: "none" }} />
      <Text size="sm" fw={600}>
        {sentence}
      </Text>
    </Group>
  );
}
