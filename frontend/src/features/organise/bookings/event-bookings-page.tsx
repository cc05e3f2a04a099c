import { Anchor, Badge, Button, Group, Select, Stack, Table, Text } from "@mantine/core";
import { IconTicket, IconZoomExclamation } from "@tabler/icons-react";
import {
  keepPreviousData,
  useInfiniteQuery,
  type InfiniteData,
  type UseInfiniteQueryResult,
} from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link } from "react-router";

import type { BookingStatus, EventBooking, EventBookingPage, PaidOrNot } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { discountOf } from "@/shared/orders/discounts";
import { hasMoney, isPaidHere } from "@/shared/payments/payable";
import { ordersText } from "@/shared/strings/orders";
import { paymentsText } from "@/shared/strings/payments";
import { DownloadButton } from "@/shared/tables/download-button";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { SearchField } from "@/shared/tables/search-field";
import { TableFrame } from "@/shared/tables/table-frame";

import { useEvent } from "../event-layout/event-layout";
import { bookingParameters, eventBookingsQuery, type BookingSearch } from "../queries";
import { BookingPayment } from "./booking-payment";
import { BookingMails } from "./mails/booking-mails";
import { eventBookingsText } from "./strings";

const text = eventBookingsText;

const NO_FILTER: BookingSearch = { q: "", status: null, payment: null };

export function EventBookingsPage() {
  const event = useEvent();
  const [filter, setFilter] = useState(NO_FILTER);
  const list = useInfiniteQuery({ ...eventBookingsQuery(event.id, filter), placeholderData: keepPreviousData });
  // Bookings from before a change of the event are paid as it said then.
  const isAnyPayable = list.data?.pages.some(({ items }) => items.some(hasMoney)) === true;
  const showsPayment = isPaidHere(event) || filter.payment !== null || isAnyPayable;

  return (
    <Stack gap="md">
      <Group gap="sm" role="search">
        <SearchField
          flex="1 1 240px"
          label={text.search}
          value={filter.q}
          onChange={(q) => setFilter({ ...filter, q })}
        />
        <Select
          w={150}
          aria-label={text.status}
          allowDeselect={false}
          data={Object.entries(text.statuses).map(([value, label]) => ({ value, label }))}
          value={filter.status ?? "all"}
          onChange={(status) => setFilter({ ...filter, status: status === "all" ? null : (status as BookingStatus) })}
        />
        {showsPayment && (
          <Select
            w={170}
            aria-label={paymentsText.payment}
            allowDeselect={false}
            data={Object.entries(text.payments).map(([value, label]) => ({ value, label }))}
            value={filter.payment ?? "all"}
            onChange={(payment) => setFilter({ ...filter, payment: payment === "all" ? null : (payment as PaidOrNot) })}
          />
        )}
        <DownloadButton
          path={`/api/events/${event.id}/bookings`}
          parameters={bookingParameters(filter)}
          fileName="bookings.csv"
        />
      </Group>
      <Bookings
        list={list}
        isFiltered={Object.keys(bookingParameters(filter)).length > 0}
        showsPayment={showsPayment}
        onClear={() => setFilter(NO_FILTER)}
      />
    </Stack>
  );
}

interface BookingsProps {
  list: UseInfiniteQueryResult<InfiniteData<EventBookingPage>>;
  isFiltered: boolean;
  showsPayment: boolean;
  onClear: () => void;
}

function Bookings({ list, isFiltered, showsPayment, onClear }: BookingsProps) {
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { columns } = text;
  const shown = useRef<HTMLParagraphElement>(null);

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) return <Empty isFiltered={isFiltered} onClear={onClear} />;
  return (
    <>
      <Text size="sm" c="dimmed" role="status" ref={shown} tabIndex={-1} data-page-heading>
        {text.shown(items.length, list.hasNextPage)}
      </Text>
      <TableFrame
        label={text.table}
        isBusy={list.isPlaceholderData}
        columns={[
          columns.number,
          columns.customer,
          columns.tickets,
          { label: columns.amount, isNumber: true },
          columns.when,
          columns.status,
          ...(showsPayment ? [paymentsText.payment] : []),
          columns.mails,
        ]}
      >
        {items.map((booking) => (
          <Row
            key={booking.id}
            booking={booking}
            showsPayment={showsPayment}
            // The button that was pressed may be gone.
            onMoney={() => shown.current?.focus({ preventScroll: true })}
          />
        ))}
      </TableFrame>
      <LoadMoreButton list={list} />
    </>
  );
}

interface RowProps {
  booking: EventBooking;
  showsPayment: boolean;
  onMoney: () => void;
}

function Row({ booking, showsPayment, onMoney }: RowProps) {
  const used = booking.tickets.filter(({ status }) => status === "used").length;
  const discount = discountOf(booking.lines);
  const { columns } = text;
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Anchor component={Link} to={`/bookings/${booking.id}`} size="sm">
          {text.number(booking.number)}
        </Anchor>
      </Table.Th>
      <Table.Td data-label={columns.customer}>
        <BookingCustomer booking={booking} />
      </Table.Td>
      <Table.Td data-label={columns.tickets}>
        <Stack gap={0}>
          {booking.lines.map(({ category, quantity }, index) => (
            <Text key={index} size="sm">
              {`${quantity} × ${category}`}
            </Text>
          ))}
          {used > 0 && (
            <Text size="xs" c="dimmed">
              {text.used(used)}
            </Text>
          )}
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.amount} ta={{ sm: "end" }}>
        <Stack gap={0}>
          <Text size="sm">{formatMoney(booking.total_amount, booking.currency)}</Text>
          {discount !== null && (
            <Text size="xs" c="dimmed">
              {ordersText.withDiscount(formatMoney(discount, booking.currency))}
            </Text>
          )}
          {!hasMoney(booking) && !isFree(booking.refunded_amount) && (
            <Text size="xs" c="dimmed">
              {text.refunded(formatMoney(booking.refunded_amount, booking.currency))}
            </Text>
          )}
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.when}>
        <Text size="sm">{formatLocalDateTime(booking.booked_at)}</Text>
      </Table.Td>
      <Table.Td data-label={columns.status}>
        <Badge variant="light" color={booking.status === "confirmed" ? "ledger" : "gray"}>
          {text.statuses[booking.status]}
        </Badge>
      </Table.Td>
      {showsPayment && (
        <Table.Td {...(hasMoney(booking) ? { "data-label": paymentsText.payment } : {})}>
          <BookingPayment booking={booking} onDone={onMoney} />
        </Table.Td>
      )}
      <Table.Td data-label={columns.mails}>
        {booking.customer_id !== null && <BookingMails booking={booking} />}
      </Table.Td>
    </Table.Tr>
  );
}

function BookingCustomer({ booking: { customer, customer_id } }: { booking: EventBooking }) {
  if (customer === null) {
    return (
      <Text size="sm" c="dimmed">
        {customer_id === null ? text.walkIn : text.erased}
      </Text>
    );
  }
  return (
    <Stack gap={0}>
      <Text size="sm">{customer.name}</Text>
      <Text size="xs" c="dimmed">
        {customer.email}
      </Text>
    </Stack>
  );
}

function Empty({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  if (!isFiltered) return <EmptyState icon={IconTicket} title={text.none.title} text={text.none.text} />;
  const clear = (
    <Button variant="light" onClick={onClear}>
      {text.noMatch.action}
    </Button>
  );
  return <EmptyState icon={IconZoomExclamation} title={text.noMatch.title} text={text.noMatch.text} action={clear} />;
}
