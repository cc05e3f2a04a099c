import { Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";
import { useEffect, useRef } from "react";

import { webhooksText } from "./strings";

const text = webhooksText.secret;
const COPIED_MILLISECONDS = 2_000;

interface Props {
  secret: string;
  isChanged?: boolean;
  onClose: () => void;
}

/** Shows a secret, once, in the dialog in which it was asked for. */
export function NewSecret({ secret, isChanged = false, onClose }: Props) {
  const copyButton = useRef<HTMLButtonElement>(null);
  useEffect(() => copyButton.current?.focus(), []); // what had the focus in the dialog before is gone
  return (
    <Stack gap="md">
      <Text size="sm">{text.once}</Text>
      {isChanged && <Text size="sm">{text.before}</Text>}
      <Code block style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
        {secret}
      </Code>
      <Group gap="xs">
        <CopyButton value={secret} timeout={COPIED_MILLISECONDS}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy} ref={copyButton}>
              {copied ? text.copied : text.copy}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>{text.kept}</Button>
      </Group>
    </Stack>
  );
}
