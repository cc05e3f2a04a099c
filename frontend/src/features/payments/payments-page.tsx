import { Stack } from "@mantine/core";

import { EventSelect } from "@/shared/forms/event-select";
import { Page } from "@/shared/navigation/page";
import { useSession } from "@/shared/session/session";

import { Totals } from "./money-totals";
import { PaymentFilter } from "./payment-filter";
import { NoPayments, PaymentList } from "./payment-list";
import { findEvents } from "./queries";
import { paymentsText as text } from "./strings";
import { usePaymentSearch } from "./use-payment-search";

/** The payments of all events: of an organizer's own, or of all there are. */
export function PaymentsPage() {
  const { account } = useSession();
  const [search, setSearch] = usePaymentSearch();
  const organizerId = account?.role === "organizer" ? account.id : null;
  return (
    <Page title={text.title} lead={organizerId === null ? text.lead.all : text.lead.own}>
      <Totals eventId={search.eventId} />
      <Stack gap="md">
        <PaymentFilter search={search} onState={(state) => setSearch({ ...search, state })}>
          <EventSelect
            purpose="payments"
            find={(q, signal) => findEvents(organizerId, q, signal)}
            value={search.eventId}
            onChange={(eventId) => setSearch({ ...search, eventId })}
          />
        </PaymentFilter>
        <PaymentList
          search={search}
          showsEvent
          none={<NoPayments />}
          onClear={() => setSearch({ eventId: null, state: null })}
        />
      </Stack>
    </Page>
  );
}
