import { Stack } from "@mantine/core";
import { useOutletContext } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { isPaidHere } from "@/shared/payments/payable";

import { Totals } from "./money-totals";
import { PaymentFilter } from "./payment-filter";
import { NoPayments, PaymentList } from "./payment-list";
import { usePaymentSearch } from "./use-payment-search";

/** The payments of one event, inside its layout. */
export function EventPaymentsPage() {
  const event = useOutletContext<Event>();
  const [{ state }, setSearch] = usePaymentSearch();
  const search = { eventId: event.id, state };
  return (
    <Stack gap="xl">
      <Totals eventId={event.id} currency={event.currency} />
      <Stack gap="md">
        <PaymentFilter search={search} onState={(state) => setSearch({ eventId: null, state })} />
        <PaymentList
          search={search}
          showsEvent={false}
          none={<NoPayments isElsewhere={!isPaidHere(event)} />}
          onClear={() => setSearch({ eventId: null, state: null })}
        />
      </Stack>
    </Stack>
  );
}
