import { Group, Select } from "@mantine/core";
import type { ReactNode } from "react";

import type { PaymentState } from "@/shared/api/generated/model";
import { DownloadButton } from "@/shared/tables/download-button";

import { paymentParameters, type PaymentSearch } from "./queries";
import { paymentsText as text } from "./strings";

interface Props {
  search: PaymentSearch;
  onState: (state: PaymentState | null) => void;
  /** Other filters, before that of the state. */
  children?: ReactNode;
}

/** Which payments are listed, and the downloads of them and of the postings. */
export function PaymentFilter({ search, onState, children }: Props) {
  const { eventId } = search;
  return (
    <Group gap="sm" align="flex-end" role="search">
      {children}
      <Select
        w={230}
        label={text.state}
        allowDeselect={false}
        data={Object.entries(text.filters).map(([value, label]) => ({ value, label }))}
        value={search.state ?? "all"}
        onChange={(state) => onState(state === "all" ? null : (state as PaymentState))}
      />
      <DownloadButton
        label={text.downloads.payments}
        path="/api/payments"
        parameters={paymentParameters(search)}
        fileName="payments.csv"
      />
      <DownloadButton
        label={text.downloads.postings}
        path="/api/stats/postings"
        parameters={eventId === null ? {} : { event_id: eventId }}
        fileName="postings.csv"
      />
    </Group>
  );
}
