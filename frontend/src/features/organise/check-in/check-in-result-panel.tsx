import { Box, Text } from "@mantine/core";
import { IconCheck, IconHourglass, IconQuestionMark, IconTicket, IconX } from "@tabler/icons-react";

import classes from "./check-in-result-panel.module.css";
import { checkInText } from "./strings";
import type { CheckedTicket } from "./use-check-in";

const text = checkInText;
const WORDS = { yes: text.yes, no: text.no, unclear: text.unclear };
const ICONS = { yes: IconCheck, no: IconX, unclear: IconQuestionMark, ready: IconTicket, checking: IconHourglass };

/** The result in large type, readable from a distance and announced by screen readers. */
export function CheckInResultPanel({ shown, isChecking }: { shown: CheckedTicket | null; isChecking: boolean }) {
  const state = isChecking ? "checking" : (shown?.answer ?? "ready");
  const Icon = ICONS[state];
  const word = isChecking ? text.checking : shown === null ? text.ready : WORDS[shown.answer];
  return (
    <Box className={classes.panel ?? ""} data-answer={state} role="status" aria-live="assertive" aria-atomic>
      <Icon size={64} stroke={2.2} aria-hidden className={classes.icon} />
      <div>
        <Text className={classes.word ?? ""}>{word}</Text>
        {!isChecking && shown !== null && (
          <>
            <Text className={classes.why ?? ""}>{shown.why}</Text>
            <Text ff="monospace" size="sm" className={classes.code ?? ""}>
              {shown.code}
            </Text>
          </>
        )}
      </div>
    </Box>
  );
}
