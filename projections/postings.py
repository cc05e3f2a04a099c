"""The `postings` projection: the money of all Events in double entry. Each entry of the ledger that is about money makes postings
whose amounts sum to 0.

    receivable        what customers have still to pay
    cash              what came in and was not paid back, by method
    deferred-revenue  the price of tickets of Events that are not completed
    revenue           the price of tickets of completed Events
    refunds-payable   what is owed back to customers

Debits are positive, credits negative. Bookings whose payment is taken elsewhere make no postings.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, Index, SmallInteger, select
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import RecordedEntry
from projections.tables import Id, MinorUnits, Model, Position, String, Timestamp, insert, is_any_of, table_of, upsert

Account = Literal["receivable", "cash", "deferred-revenue", "revenue", "refunds-payable"]
_ACCOUNTS = ", ".join(f"'{account}'" for account in get_args(Account))


class PostingRow(Model):
    """A posting: `line` is its number within its entry. `booking_id`: None where it is about all bookings of the event.
    `method`: of `cash`, else empty. `amount`: in minor units of the event's currency."""

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint(f"account IN ({_ACCOUNTS})", name="account"),
        CheckConstraint("amount <> 0", name="amount_not_0"),
        Index(None, "event_id", "position", "line"),
    )

    position: Mapped[Position] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[Id]
    booking_id: Mapped[Id | None]
    account: Mapped[String]
    method: Mapped[String]
    amount: Mapped[MinorUnits]
    at: Mapped[Timestamp]


class PostingBalance(Model):
    """The sum of an event's postings to one account, by method."""

    __tablename__ = "posting_balances"

    event_id: Mapped[Id] = mapped_column(primary_key=True)
    account: Mapped[String] = mapped_column(primary_key=True)
    method: Mapped[String] = mapped_column(primary_key=True)
    amount: Mapped[MinorUnits]


class Posting(NamedTuple):
    account: Account
    amount: int
    method: str = ""


Balances = Counter[tuple[str, str]]


def postings_of(entry: e.Entry, balances: Balances) -> list[Posting]:
    """The postings of an entry, which sum to 0. `balances`: of its event before it, by account and method."""
    return [posting for posting in _postings_of(entry, balances) if posting.amount]


def _postings_of(entry: e.Entry, balances: Balances) -> Iterator[Posting]:
    match entry:
        case e.SeatsBooked() if entry.is_payable:
            yield from _transfer(sum(entry.line_amounts), "receivable", "deferred-revenue")
        case e.BookingCancelled(less_to_pay=int(less)):
            yield from _transfer(less, _revenue(balances, less), "receivable")
        case e.PaymentReceived(amount=amount, method=method):
            yield from (Posting("cash", amount, method), Posting("receivable", -amount))
        case e.RefundOwed(amount=amount, reason="goodwill"):
            yield from _transfer(amount, _revenue(balances, amount), "refunds-payable")
        case e.RefundOwed(amount=amount):
            yield from _transfer(amount, "receivable", "refunds-payable")
        case e.RefundPaid(amount=amount, method=method):
            yield from (Posting("refunds-payable", amount), Posting("cash", -amount, method))
        case e.EventCancelled():
            deferred = -balances["deferred-revenue", ""]
            yield from _transfer(deferred, "deferred-revenue", "receivable")
            yield from _transfer(deferred - balances["receivable", ""], "receivable", "refunds-payable")
        case e.EventCompleted():
            yield from _transfer(-balances["deferred-revenue", ""], "deferred-revenue", "revenue")


def _transfer(amount: int, debit: Account, credit: Account) -> tuple[Posting, Posting]:
    return Posting(debit, amount), Posting(credit, -amount)


def _revenue(balances: Balances, amount: int) -> Account:
    """The account that has this price of tickets: after the completion of an Event nothing is deferred any more."""
    return "deferred-revenue" if -balances["deferred-revenue", ""] >= amount else "revenue"


_MONEY = frozenset[type[e.Entry]]((e.PaymentReceived, e.RefundOwed, e.RefundPaid, e.EventCancelled, e.EventCompleted))


class PostingsProjector:
    name = "postings"
    version = 1
    is_by_event = True
    tables = (PostingRow, PostingBalance)
    handles: frozenset[type[e.Entry]] = frozenset((e.SeatsBooked, e.BookingCancelled, *_MONEY))

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        """Most entries are about no money: where all are, nothing is read."""
        about = [recorded for recorded in batch if _is_about_money(recorded.entry)]
        if not about:
            return
        balances = _read(connection, {recorded.stream for recorded in about})
        rows, changed = list[dict[str, Any]](), set[UUID]()
        for recorded in about:
            of_event = balances.setdefault(recorded.stream, Counter())
            for line, posting in enumerate(postings_of(recorded.entry, of_event)):
                of_event[posting.account, posting.method] += posting.amount
                rows.append(_row(recorded, line, posting))
                changed.add(recorded.stream)
        insert(connection, PostingRow, rows)
        sums = [
            {"event_id": event_id, "account": account, "method": method, "amount": amount}
            for event_id in sorted(changed)
            for (account, method), amount in balances[event_id].items()
        ]
        upsert(connection, PostingBalance, sums)


def _is_about_money(entry: e.Entry) -> bool:
    match entry:
        case e.SeatsBooked(is_payable=is_payable):
            return is_payable
        case e.BookingCancelled(less_to_pay=less):
            return less is not None
    return type(entry) in _MONEY


def _row(recorded: RecordedEntry, line: int, posting: Posting) -> dict[str, Any]:
    return {
        "position": recorded.position, "line": line, "event_id": recorded.stream,
        "booking_id": getattr(recorded.entry, "booking_id", None), "account": posting.account, "method": posting.method,
        "amount": posting.amount, "at": recorded.entry.at,
    }  # fmt: skip


_BALANCES = select(*table_of(PostingBalance).c).where(is_any_of(PostingBalance.event_id, "event_ids"))


def _read(connection: Connection, event_ids: set[UUID]) -> dict[UUID, Balances]:
    balances: dict[UUID, Balances] = {}
    for row in connection.execute(_BALANCES, {"event_ids": list(event_ids)}):
        balances.setdefault(row.event_id, Counter())[row.account, row.method] = row.amount
    return balances
