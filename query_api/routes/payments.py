"""Payments, refunds and postings, for those who sell and those who check; and the money of a booking, for its customer, too."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from accounts.access import Auditor, MoneyReader, SignedIn, may_see_booking, viewer_of
from accounts.tokens import Principal
from ledger.accepted_types import PrefersCsv
from ledger.commands import Role
from ledger.errors import BookingNotFound
from ledger.money import to_text
from query_api import queries
from query_api.parameters import Cursor, Limit, cursor_of, number_cursor, split_page
from query_api.queries import MovementRow, PaymentRow, PostingExportRow, PostingSumRow, UnplacedRow
from query_api.read_side import Reader
from query_api.responses.csv_export import Cell
from query_api.responses.http import JSON, JSON_OR_CSV, json_response
from query_api.responses.payment_views import (
    AccountBalanceView,
    BookingMoneyView,
    MoneyMovementView,
    PaymentPage,
    PaymentState,
    PaymentView,
    PostingsView,
    UnplacedMoneyList,
    UnplacedMoneyView,
)

router = APIRouter(prefix="/api", tags=["payments"])

#: Rows of money that nobody could place, in a response.
MAX_UNPLACED = 200

OfEvent = Annotated[UUID | None, Query(description="Only of this event")]
State = Annotated[
    PaymentState | None,
    Query(
        description="`received`: nothing of it is owed back; `refund-due`: some is; `refund-failed`: and the provider can't pay it;"
        " `refunded`: some was paid back"
    ),
]

_PAYMENTS_HEADER = (
    "number", "id", "received_at", "event_id", "event_name", "booking_number", "customer_name", "method", "amount",
    "refund_due_amount", "refunded_amount", "currency", "reference",
)  # fmt: skip
_POSTINGS_HEADER = (
    "number", "line", "at", "event_id", "event_name", "booking_number", "account", "method", "amount", "currency"
)  # fmt: skip


@router.get("/payments", operation_id="get_payments", response_model=PaymentPage, responses=JSON_OR_CSV)
async def get_payments(
    principal: MoneyReader, reader: Reader, as_csv: PrefersCsv, event_id: OfEvent = None, state: State = None, limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:  # fmt: skip
    """The payments for an organizer's own events, for admins and auditors for all, newest first. As CSV: all payments; `limit` and
    `cursor` do not apply."""
    viewer = viewer_of(principal)
    if as_csv:
        pages = reader.export(
            queries.all_payments(viewer=viewer, event_id=event_id, state=state),
            lambda row: _payment_cells(_payment_view(row, principal)),
        )
        return await reader.side.exports.response("payments", principal.id, _PAYMENTS_HEADER, pages)
    query = queries.payments(viewer=viewer, event_id=event_id, state=state, after=number_cursor(cursor), limit=limit)
    position, rows = await reader.fetch(query)
    shown, has_more = split_page(rows, limit)
    next_cursor = cursor_of(shown[-1].number) if has_more else None
    items = [_payment_view(row, principal) for row in shown]
    return json_response(PaymentPage(items=items, next_cursor=next_cursor), position)


def _amount(row: UnplacedRow) -> str:
    """In minor units where the currency is unknown: the row has to be seen nevertheless."""
    try:
        return to_text(row.amount, row.currency)
    except ValueError:
        return str(row.amount)


@router.get("/payments/unplaced", operation_id="get_unplaced_money")
async def get_unplaced_money(principal: Auditor, reader: Reader, response: Response) -> UnplacedMoneyList:
    """Money that a provider has received for no payment of this installation, newest first."""
    response.headers["Cache-Control"] = "no-store"
    rows = await reader.side.database.fetch_rows(queries.unplaced_money(MAX_UNPLACED))
    return UnplacedMoneyList(
        items=[
            UnplacedMoneyView(
                method=row.method, object=row.object, payment_id=row.payment_id, amount=_amount(row),
                currency=row.currency, reason=row.reason, noted_at=row.noted_at,
            )
            for row in rows
        ]
    )  # fmt: skip


@router.get("/bookings/{booking_id}/payments", operation_id="get_booking_payments", response_model=BookingMoneyView, responses=JSON)
async def get_booking_payments(booking_id: UUID, principal: SignedIn, reader: Reader) -> Response:
    """The money of a booking, movement by movement, the oldest first. Auditors see it, too."""
    booked = await reader.side.booking(booking_id, reader.at_least)
    if booked is None:
        raise BookingNotFound
    booking = booked.view
    may_see = may_see_booking(principal, customer_id=booking.customer_id, organizer_id=booked.organizer_id)
    if not may_see and principal.role != Role.AUDITOR:
        raise BookingNotFound
    position, rows = await reader.fetch(queries.movements(booking_id))
    view = BookingMoneyView(
        booking_id=booking_id, currency=booking.currency, items=[_movement_view(row, booking.currency) for row in rows]
    )
    return json_response(view, position)


@router.get("/stats/postings", operation_id="get_postings", response_model=PostingsView, responses=JSON_OR_CSV)
async def get_postings(principal: MoneyReader, reader: Reader, as_csv: PrefersCsv, event_id: OfEvent = None) -> Response:
    """The accounts of double entry with their balances: debits are positive, credits negative, and all of a currency sum to 0. As
    CSV: each posting."""
    viewer = viewer_of(principal)
    if as_csv:
        pages = reader.export(queries.all_postings(viewer, event_id), _posting_cells)
        return await reader.side.exports.response("postings", principal.id, _POSTINGS_HEADER, pages)
    position, rows = await reader.fetch(queries.posting_sums(viewer, event_id))
    return json_response(PostingsView(items=[_balance_view(row) for row in rows], ledger_position=position), position)


def _payment_view(row: PaymentRow, principal: Principal) -> PaymentView:
    """Auditors read no names, here as elsewhere (decision 0057)."""
    name = None if principal.role == Role.AUDITOR else row.customer_name
    due = row.owed - row.paid_back
    is_owed: PaymentState = "refund-failed" if row.failure else "refund-due"
    state: PaymentState = is_owed if due else "refunded" if row.paid_back else "received"
    return PaymentView(
        id=row.payment_id, number=row.number, event_id=row.event_id, event_name=row.event_name, booking_id=row.booking_id,
        booking_number=row.booking_number, customer_name=name, state=state, method=row.method,
        amount=to_text(row.amount, row.currency), refund_due_amount=to_text(due, row.currency),
        refunded_amount=to_text(row.paid_back, row.currency), currency=row.currency, reference=row.reference,
        failure=row.failure, received_at=row.received_at,
    )  # fmt: skip


def _payment_cells(view: PaymentView) -> Sequence[Cell]:
    return [
        view.number, view.id, view.received_at, view.event_id, view.event_name, view.booking_number, view.customer_name,
        view.method, Decimal(view.amount), Decimal(view.refund_due_amount), Decimal(view.refunded_amount), view.currency,
        view.reference,
    ]  # fmt: skip


def _posting_cells(row: PostingExportRow) -> Sequence[Cell]:
    return [
        row.number, row.line, row.at, row.event_id, row.event_name, row.booking_number, row.account, row.method,
        Decimal(to_text(row.amount, row.currency)), row.currency,
    ]  # fmt: skip


def _movement_view(row: MovementRow, currency: str) -> MoneyMovementView:
    return MoneyMovementView(
        kind=row.kind, amount=to_text(row.amount, currency), method=row.method or None, reference=row.reference,
        reason=row.reason or None, at=row.at, position=row.number,
    )  # fmt: skip


def _balance_view(row: PostingSumRow) -> AccountBalanceView:
    return AccountBalanceView(
        currency=row.currency, account=row.account, method=row.method or None, amount=to_text(row.amount, row.currency)
    )
