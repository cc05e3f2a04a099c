import { Box, Button, CopyButton, Group, Stack, Text } from "@mantine/core";
import { IconCopy, IconDownload } from "@tabler/icons-react";

import { saveFile } from "@/shared/api/download";
import type { MadeCodes } from "@/shared/api/generated/model";
import { Dialog } from "@/shared/feedback/dialog";

import classes from "./made-codes-dialog.module.css";
import { codesText } from "./strings";

const text = codesText.shown;
const COPIED_MILLISECONDS = 2_000;

interface Props {
  made: MadeCodes;
  isOpen: boolean;
  onClose: () => void;
}

/** Shows new promo codes, once. */
export function MadeCodesDialog({ made: { batch, codes }, isOpen, onClose }: Props) {
  const close = text.close(codes.length);
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={text.title(codes.length)} closeLabel={close} isClosedByButtonsOnly>
      <Stack gap="md">
        <Text>{text.once(codes.length)}</Text>
        <Box className={classes.codes ?? ""} role="region" aria-label={text.label} tabIndex={0}>
          {codes.join("\n")}
        </Box>
        <Group gap="xs">
          <CopyButton value={codes.join("\n")} timeout={COPIED_MILLISECONDS}>
            {({ copied, copy }) => (
              <Button variant="default" leftSection={<IconCopy size={18} aria-hidden />} onClick={copy}>
                {copied ? text.copied : text.copy}
              </Button>
            )}
          </CopyButton>
          <Button
            variant="default"
            leftSection={<IconDownload size={18} aria-hidden />}
            onClick={() => saveFile(toCsv(codes), `codes-${batch.id}.csv`)}
          >
            {text.download}
          </Button>
          <Button onClick={onClose}>{close}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

/** As the API's own CSV: a header, and one code a line. Codes are letters, digits and hyphens. */
function toCsv(codes: readonly string[]): Blob {
  const lines = ["code", ...codes].map((line) => `${line}\r\n`);
  return new Blob(lines, { type: "text/csv;charset=utf-8" });
}
