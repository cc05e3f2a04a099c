import { Badge } from "@mantine/core";

import type { PaymentStatus } from "@/shared/api/generated/model";
import { paymentsText } from "@/shared/strings/payments";

const COLOURS = { due: "orange", paid: "ledger", "refund-due": "blue", refunded: "gray", "part-refunded": "gray" };

/** Whether a booking is paid; nothing where there is nothing to pay, or payment is taken elsewhere. */
export function PaymentBadge({ status }: { status: PaymentStatus }) {
  if (status === "none-due") return null;
  return (
    <Badge variant="light" miw="max-content" color={COLOURS[status]}>
      {paymentsText.statuses[status]}
    </Badge>
  );
}
