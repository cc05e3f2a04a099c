import { Alert } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** The error of a whole form, beside those of its fields. `action`: what mends it. */
export function FormProblem({ text, action }: { text: string | null; action?: ReactNode }) {
  if (text === null) return null;
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
      {text} {action}
    </Alert>
  );
}
