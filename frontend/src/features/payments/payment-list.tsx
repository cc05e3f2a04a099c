import { Anchor, Badge, Button, Stack, Table, Text } from "@mantine/core";
import { IconCash, IconZoomExclamation } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useRef, type ReactNode } from "react";
import { Link } from "react-router";

import type { Payment } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { isMore } from "@/shared/formatting/amounts";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { formatMoney, isFree } from "@/shared/formatting/money";
import { MoneyCell } from "@/shared/payments/money-cell";
import { MoneyNotes } from "@/shared/payments/money-notes";
import { isByHand } from "@/shared/payments/refund-sources";
import { useSession } from "@/shared/session/session";
import { paymentsText as sharedText } from "@/shared/strings/payments";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { OwedRefund } from "./owed-refund";
import { paymentsQuery, type PaymentSearch } from "./queries";
import { paymentsText as text } from "./strings";

const { columns } = text;
const COLOURS = {
  received: "ledger",
  "refund-due": "blue",
  "refund-failed": "red",
  refunded: "gray",
  "part-refunded": "gray",
};

interface Props {
  search: PaymentSearch;
  showsEvent: boolean;
  /** Instead of a list without any payment. */
  none: ReactNode;
  onClear: () => void;
}

/** Payments, the newest first, each with what of it is owed back or was refunded. */
export function PaymentList({ search, showsEvent, none, onClear }: Props) {
  const list = useInfiniteQuery({ ...paymentsQuery(search), placeholderData: keepPreviousData });
  const { account } = useSession();
  const isAuditor = account?.role === "auditor";
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = useRef<HTMLParagraphElement>(null);

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0)
    return search.state === null && (search.eventId === null || !showsEvent) ? none : <NoMatch onClear={onClear} />;
  return (
    <>
      <Text size="sm" c="dimmed" role="status" ref={shown} tabIndex={-1} data-page-heading>
        {text.shown(items.length, list.hasNextPage)}
      </Text>
      <TableFrame
        label={text.list}
        isBusy={list.isPlaceholderData}
        columns={[
          columns.booking,
          columns.when,
          columns.customer,
          ...(showsEvent ? [columns.event] : []),
          columns.method,
          { label: columns.amount, isNumber: true },
          columns.state,
          ...(isAuditor ? [] : [columns.action]),
        ]}
      >
        {items.map((payment) => (
          <Row
            key={payment.id}
            payment={payment}
            showsEvent={showsEvent}
            isAuditor={isAuditor}
            // The button that was pressed may be gone.
            onRefunded={() => shown.current?.focus({ preventScroll: true })}
          />
        ))}
      </TableFrame>
      <LoadMoreButton list={list} />
    </>
  );
}

interface RowProps {
  payment: Payment;
  showsEvent: boolean;
  isAuditor: boolean;
  onRefunded: () => void;
}

function Row({ payment, showsEvent, isAuditor, onRefunded }: RowProps) {
  const { booking_number, event_id, event_name, method, reference, amount, currency, refund_due_amount } = payment;
  // What a provider owes it pays back by itself, unless it has failed.
  const isOwedByHand = !isFree(refund_due_amount) && (isByHand(method) || payment.state === "refund-failed");
  return (
    <Table.Tr>
      <Table.Th scope="row">
        {booking_number === null ? (
          <Text size="sm" c="dimmed">
            {text.notBooked}
          </Text>
        ) : isAuditor ? (
          text.number(booking_number)
        ) : (
          <Anchor component={Link} to={`/bookings/${payment.booking_id}`} size="sm">
            {text.number(booking_number)}
          </Anchor>
        )}
      </Table.Th>
      <Table.Td data-label={columns.when}>
        <Text size="sm">{formatLocalDateTime(payment.received_at)}</Text>
      </Table.Td>
      <Table.Td data-label={columns.customer}>
        <Text
          size="sm"
          {...(payment.customer_name === null ? { c: "dimmed" } : {})}
          style={{ overflowWrap: "anywhere" }}
        >
          {payment.customer_name ?? text.nobody}
        </Text>
      </Table.Td>
      {showsEvent && (
        <Table.Td data-label={columns.event}>
          <Anchor
            component={Link}
            to={isAuditor ? `/ledger/events/${event_id}` : `/organise/${event_id}/payments`}
            size="sm"
            style={{ overflowWrap: "anywhere" }}
          >
            {event_name}
          </Anchor>
        </Table.Td>
      )}
      <Table.Td data-label={columns.method}>
        <Stack gap={0}>
          <Text size="sm">{sharedText.methods[method] ?? method}</Text>
          {reference !== "" && (
            <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {reference}
            </Text>
          )}
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.amount} ta={{ sm: "end" }}>
        {formatMoney(amount, currency)}
      </Table.Td>
      <Table.Td data-label={columns.state}>
        <State payment={payment} />
      </Table.Td>
      {!isAuditor && (
        <Table.Td {...(isOwedByHand ? { "data-label": columns.action } : {})}>
          {isOwedByHand && <OwedRefund payment={payment} onDone={onRefunded} />}
        </Table.Td>
      )}
    </Table.Tr>
  );
}

function State({ payment }: { payment: Payment }) {
  const { amount, refund_due_amount, refunded_amount, currency, failure } = payment;
  const isPart = payment.state === "refunded" && isMore(amount, refunded_amount);
  const state = isPart ? "part-refunded" : payment.state;
  return (
    <MoneyCell>
      <Badge variant="light" miw="max-content" color={COLOURS[state]}>
        {text.states[state]}
      </Badge>
      {payment.state === "refund-failed" && (
        <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {text.failure(failure)}
        </Text>
      )}
      <MoneyNotes
        currency={currency}
        notes={[
          [sharedText.owed, refund_due_amount],
          [sharedText.refunded, refunded_amount],
        ]}
      />
    </MoneyCell>
  );
}

function NoMatch({ onClear }: { onClear: () => void }) {
  const clear = (
    <Button variant="light" onClick={onClear}>
      {text.noMatch.action}
    </Button>
  );
  return <EmptyState icon={IconZoomExclamation} title={text.noMatch.title} text={text.noMatch.text} action={clear} />;
}

export function NoPayments({ isElsewhere = false }: { isElsewhere?: boolean }) {
  return <EmptyState icon={IconCash} {...(isElsewhere ? text.elsewhere : text.none)} />;
}
