import { Alert, Code } from "@mantine/core";
import { IconShieldCheck, IconShieldQuestion, IconShieldX } from "@tabler/icons-react";

import type { Verification } from "@/shared/api/generated/model";
import { formatTimestamp } from "@/shared/formatting/durations";

import { projectionsText } from "./strings";

const text = projectionsText.verification;

/** The result of the last verification of ledger and read models. */
export function LastVerification({ verification }: { verification: Verification | null }) {
  if (verification === null) {
    return (
      <Alert color="gray" icon={<IconShieldQuestion aria-hidden />} title={text.title}>
        {text.never}
      </Alert>
    );
  }
  const { entries, position, finished_at, finding } = verification;
  const said = text.said(entries, position, formatTimestamp(finished_at));
  if (finding === null) {
    return (
      <Alert color="ledger" icon={<IconShieldCheck aria-hidden />} title={text.sound}>
        {said}
      </Alert>
    );
  }
  return (
    <Alert color="red" icon={<IconShieldX aria-hidden />} title={text.altered} role="alert">
      {said}
      <Code block mt="xs" style={{ whiteSpace: "pre-wrap" }}>
        {finding}
      </Code>
    </Alert>
  );
}
