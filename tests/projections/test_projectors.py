"""The read tables agree with the Events. The expected values come from `evolve`, not from a projector."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from ledger import entries as e
from ledger.booking_amounts import BookingAmounts
from ledger.booking_money import BookingMoney
from ledger.event import Event
from ledger.store import Ledger
from ledger.views import event_view
from projections.audit import BOOKING_CHANGE_SUBJECTS
from projections.engine import Projector
from projections.registry import IGNORED, PROJECTORS
from projections.tables import Model
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.projections.stories import Story, rows
from tests.projections.test_engine import project


@pytest.fixture(params=[1, 2, 3])
def story(request: pytest.FixtureRequest, engine: Engine, ledger: Ledger) -> Story:
    """Told, appended and projected; one of its Events of each kind of payment is cancelled."""
    story = Story(seed=request.param)
    story.tell(400)
    elsewhere, here, *_ = story.events.values()
    story.cancel(elsewhere)
    story.cancel(here)
    story.pay_back(here)
    storage.append(ledger, story.entries)
    project(engine, ledger)
    return story


def test_availability_is_that_of_the_events(story: Story, engine: Engine) -> None:
    assert {row[:6] for row in rows(engine)["availability_categories"]} == {
        (event.id, seats.number, seats.name, seats.capacity, seats.taken, seats.held)
        for event in story.events.values()
        for seats in event.categories.values()
    }


def test_pools_are_those_of_the_events(story: Story, engine: Engine) -> None:
    pools = [(event, pool, event.seats_of(pool)) for event in story.events.values() for pool in event.pools]
    assert pools, "the stories have some"
    assert {row[:6] for row in rows(engine)["availability_pools"]} == {
        (event.id, pool.number, pool.name, pool.capacity, taken, held) for event, pool, (taken, held) in pools
    }
    members = "SELECT event_id, pool, category FROM availability_categories WHERE pool IS NOT NULL"
    assert set(map(tuple, _all(engine, members))) == {
        (event.id, pool.number, category) for event, pool, _ in pools for category in pool.categories
    }


def test_codes_are_used_as_often_as_the_events_say(story: Story, engine: Engine) -> None:
    seen = {(row.event_id, row.batch): row for row in _all(engine, "SELECT * FROM code_batches")}
    live = [event for event in story.events.values() if event.status == "active"]
    assert sum(bool(event.code_uses) for event in live), "the stories use some"
    for event in live:
        for batch in event.batches:
            row = seen[event.id, batch.number]
            uses = s.state(event)["code_uses"]
            assert row.held + row.booked - row.cancelled == sum(n for key, n in uses.items() if key[0] == batch.number)
            assert (row.withdrawn_at is not None) == event.is_withdrawn(batch)
    open_holds = {UUID(bytes=key) for event in live for key, hold in s.state(event)["holds"].items() if hold.code}
    assert {row.hold_id for row in _all(engine, "SELECT * FROM code_holds")} == open_holds


def test_statistics_know_the_capacity_that_pools_leave(story: Story, engine: Engine) -> None:
    total = "SELECT sum(capacity) - beyond_pools AS capacity, event_id FROM revenue_events JOIN revenue_categories USING (event_id)"
    seen = {row.event_id: row.capacity for row in _all(engine, f"{total} GROUP BY revenue_events.event_id")}
    assert seen == {event.id: event_view(event).capacity for event in story.events.values()}


def test_sales_with_codes_are_those_of_their_entries(story: Story, engine: Engine) -> None:
    for row in _all(engine, "SELECT * FROM code_batches"):
        batch = story.events[row.event_id].batches[row.batch - 1]
        gross = listed = refunded = 0
        for entry in (recorded.entry for recorded in story.entries if recorded.stream == row.event_id):
            if isinstance(entry, e.SeatsBooked) and entry.code and entry.code.batch == row.batch:
                tickets = [line for line in entry.lines for _ in range(line.quantity)]
                for line, paid in zip(tickets, entry.ticket_amounts, strict=True):
                    gross += paid * batch.covers(line.category)
                    listed += line.unit_price * batch.covers(line.category)
            elif isinstance(entry, e.BookingCancelled) and entry.code and entry.code.batch == row.batch:
                refunded += sum(line.refund for line in entry.lines if batch.covers(line.category))
            elif isinstance(entry, e.EventCancelled):
                refunded = gross
        assert (row.gross, row.discount, row.refunded) == (gross, listed - gross, refunded)


def test_catalogue_has_the_present_state_of_each_event(story: Story, engine: Engine) -> None:
    seen = {row.event_id: row for row in _all(engine, "SELECT * FROM catalogue_events")}
    for event in story.events.values():
        row = seen[event.id]
        assert (row.name, row.status, row.details_version) == (event.details.name, event.status, event.details_version)
    prices = {(row.event_id, row.category): row.price for row in _all(engine, "SELECT * FROM catalogue_categories")}
    assert prices == {(event.id, s.number): s.price for event in story.events.values() for s in event.categories.values()}


def test_tickets_have_the_states_that_the_events_have(story: Story, engine: Engine) -> None:
    states = {"active": "a", "used": "u", "cancelled": "c"}
    seen: dict[UUID, str] = {}
    for row in _all(engine, "SELECT * FROM tickets ORDER BY booking_id, ticket"):
        seen[row.booking_id] = seen.get(row.booking_id, "") + states[row.status]
    for event in story.events.values():
        if event.status != "cancelled":
            for booking in s.ids_of(event.bookings):
                assert seen[booking] == event.ticket_states(booking).decode()


def test_revenue_is_the_sum_of_bookings_and_refunds(story: Story, engine: Engine) -> None:
    expected = {event.id: _money(story, event) for event in story.events.values()}
    sums = "SELECT event_id, sum(gross) AS gross, sum(refunded) AS refunded FROM {} GROUP BY event_id"
    for table in ("revenue_categories", "revenue_hours"):
        seen = {row.event_id: (int(row.gross), int(row.refunded)) for row in _all(engine, sums.format(table))}
        assert {id_: money for id_, money in expected.items() if money != (0, 0)} == {
            id_: money for id_, money in seen.items() if money != (0, 0)
        }


def test_revenue_knows_what_was_paid_and_what_is_only_owed(story: Story, engine: Engine) -> None:
    seen = {row.event_id: row for row in _all(engine, "SELECT * FROM revenue_events")}
    for event in story.events.values():
        row, money = seen[event.id], _money_of(event)
        assert row.due == sum(event.due(booking) for booking in money)
        assert row.refund_due == sum(_owed(event, of_booking) for of_booking in money.values())
        assert row.received == sum(payment.amount for of_booking in money.values() for payment in of_booking.payments)
        assert row.received - row.paid_back == sum(of_booking.kept + of_booking.owed for of_booking in money.values())
    assert any(row.paid_back for row in seen.values())


def test_cancellation_of_a_whole_booking_counts_once(story: Story, engine: Engine) -> None:
    for row in _all(engine, "SELECT * FROM revenue_events"):
        event = story.events[row.event_id]
        cancelled = sum(set(event.ticket_states(booking)) <= {ord("c")} for booking in s.ids_of(event.bookings))
        assert (row.bookings, row.cancellations) == (len(event.bookings), cancelled)


def test_money_of_bookings_is_that_of_the_events(story: Story, engine: Engine) -> None:
    seen = {row.booking_id: row for row in _all(engine, "SELECT * FROM bookings")}
    paid_here = {row.booking_id for row in seen.values() if row.to_pay is not None}
    of_bookings = [one for one in _booking_money(story) if one[1].bytes in one[0].bookings]
    assert paid_here == {booking for _, booking, _ in of_bookings}
    assert len(of_bookings) < len([*_booking_money(story)]), "the stories have payments for which nothing could be booked"
    for event, booking, money in of_bookings:
        row = seen[booking]
        amounts = BookingAmounts(row.total, row.refunded, row.to_pay, row.received, row.paid_back, event.status == "cancelled")
        assert (amounts.due, amounts.refund_due) == (event.due(booking), _owed(event, money))
        assert row.received == sum(payment.amount for payment in money.payments)
        assert row.received - row.paid_back == money.kept + money.owed


def test_payments_are_those_of_the_events(story: Story, engine: Engine) -> None:
    seen = {row.payment_id: (row.booking_id, row.amount, row.owed, row.paid_back) for row in _all(engine, "SELECT * FROM payments")}
    expected = {}
    for event, booking, money in _booking_money(story):
        for payment in money.payments:
            still_owed = sum(refund.amount for refund in money.refunds if refund.payment == payment.id)
            paid_back = payment.given_back - still_owed
            owed = payment.amount if event.status == "cancelled" else payment.given_back
            expected[UUID(bytes=payment.id)] = (booking, payment.amount, owed, paid_back)
    assert seen == expected
    assert any(paid_back for *_, paid_back in seen.values()), "the stories pay some back"


def test_each_movement_of_money_is_an_entry(story: Story, engine: Engine) -> None:
    kinds: dict[type[e.Entry], str] = {
        e.PaymentStarted: "started", e.PaymentReceived: "received", e.RefundOwed: "owed", e.RefundPaid: "paid-back",
        e.RefundFailed: "failed",
    }  # fmt: skip
    seen = [(row.kind, row.payment_id, row.amount) for row in _all(engine, "SELECT * FROM money_movements ORDER BY position")]
    entries: list[Any] = [recorded.entry for recorded in story.entries if type(recorded.entry) in kinds]
    ids = [entry.command if isinstance(entry, e.PaymentStarted) else entry.payment_id for entry in entries]
    assert seen == [(kinds[type(entry)], id_, entry.amount) for entry, id_ in zip(entries, ids, strict=True)]
    assert {kind for kind, *_ in seen} >= {*kinds.values()} - {"failed"}, "the stories have each kind, at times"


def test_started_payments_and_open_refunds_are_those_of_the_events(story: Story, engine: Engine) -> None:
    open_payments = {row.payment_id for row in _all(engine, "SELECT * FROM started_payments WHERE NOT is_received")}
    received = {UUID(bytes=payment.id) for _, _, money in _booking_money(story) for payment in money.payments}
    started = {recorded.entry.command for recorded in story.entries if isinstance(recorded.entry, e.PaymentStarted)}
    assert open_payments == started - received
    refunds = {row.refund_id: (row.amount - row.paid, row.failure != "") for row in _all(engine, "SELECT * FROM refunds")}
    expected, failed = dict[UUID, int](), set[UUID]()
    for _, _, money in _booking_money(story):
        expected |= {UUID(bytes=refund.id): refund.amount for refund in money.refunds}
        failed |= {UUID(bytes=id_) for id_ in money.failed_refunds}
    assert {id_: owed for id_, (owed, _) in refunds.items() if owed} == expected
    assert {id_ for id_, (_, has_failed) in refunds.items() if has_failed} == failed


def test_postings_of_each_entry_sum_to_0_and_balances_are_the_money_of_the_events(story: Story, engine: Engine) -> None:
    assert _all(engine, "SELECT position FROM postings GROUP BY position HAVING sum(amount) <> 0") == []
    sums = "SELECT event_id, account, method, sum(amount) AS amount FROM postings GROUP BY event_id, account, method"
    by_account = {(row.event_id, row.account, row.method): int(row.amount) for row in _all(engine, sums)}
    balances = {(row.event_id, row.account, row.method): row.amount for row in _all(engine, "SELECT * FROM posting_balances")}
    assert by_account == balances
    for event in story.events.values():
        of_event = Counter[str]()
        for (event_id, account, _), amount in balances.items():
            of_event[account] += amount * (event_id == event.id)
        money = _money_of(event)
        assert of_event["receivable"] == sum(event.due(booking) for booking in money)
        assert of_event["refunds-payable"] == -sum(_owed(event, of_booking) for of_booking in money.values())
        assert of_event["cash"] == sum(of_booking.kept + of_booking.owed for of_booking in money.values())
        assert of_event["deferred-revenue"] == -sum(event.to_pay(booking) for booking in money)


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE availability_categories SET taken = capacity + 1",
        "UPDATE availability_categories SET taken = -1",
        "INSERT INTO availability_pools SELECT event_id, 1, 'Hall', 1, 1, 1 FROM availability_events",
        "UPDATE bookings SET refunded = total + 1",
        "UPDATE bookings SET paid_back = received + 1",
        "UPDATE payments SET paid_back = owed + 1",
        "UPDATE postings SET amount = 0",
        "UPDATE bookings SET status = 'lost'",
        "UPDATE tickets SET status = 'forged'",
        "UPDATE code_batches SET booked = count * max_tickets + 1",
        "UPDATE revenue_events SET cancellations = bookings + 1",
        "UPDATE revenue_categories SET refunded = gross + 1",
        "UPDATE booking_events SET cancelled_at = NULL, status = 'cancelled'",
        "INSERT INTO bookings SELECT * FROM bookings LIMIT 1",
        "INSERT INTO tickets SELECT gen_random_uuid(), ticket, category, category_name, price, status FROM tickets LIMIT 1",
        "UPDATE catalogue_events SET ends_at = starts_at",
    ],
)
def test_tables_refuse_a_wrong_row(wrong: str, engine: Engine, ledger: Ledger) -> None:
    story = Story(seed=4)
    story.tell(60)
    storage.append(ledger, story.entries)
    project(engine, ledger)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(wrong))


def test_models_agree_with_the_migrations(engine: Engine) -> None:
    ours = set(Model.metadata.tables)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name in ours}
        )
        assert compare_metadata(context, Model.metadata) == []


@pytest.mark.parametrize("projector", PROJECTORS.values(), ids=PROJECTORS)
def test_projector_handles_or_ignores_every_entry_class_by_name(projector: Projector) -> None:
    assert projector.handles | IGNORED[projector.name] == set(e.TOPICS.values())
    assert not projector.handles & IGNORED[projector.name]


def test_audit_names_the_booking_of_every_change() -> None:
    about_bookings = {entry for entry in e.TOPICS.values() if "booking_id" in entry.__struct_fields__}
    assert about_bookings <= set(BOOKING_CHANGE_SUBJECTS)


def _money_of(event: Event) -> dict[UUID, BookingMoney]:
    """By booking."""
    return {booking: event.money[booking.bytes] for booking in s.ids_of(event.money)}


def _booking_money(story: Story) -> list[tuple[Event, UUID, BookingMoney]]:
    return [(event, booking, money) for event in story.events.values() for booking, money in _money_of(event).items()]


def _owed(event: Event, money: BookingMoney) -> int:
    return money.owed + (money.kept if event.status == "cancelled" else 0)


def _money(story: Story, event: Event) -> tuple[int, int]:
    """Gross and refunded, from the entries alone."""
    gross = refunded = 0
    for recorded in story.entries:
        entry = recorded.entry
        if recorded.stream != event.id:
            continue
        if isinstance(entry, e.SeatsBooked):
            gross += sum(entry.ticket_amounts)
        elif isinstance(entry, e.BookingCancelled):
            refunded += sum(line.refund for line in entry.lines)
    return gross, gross if event.status == "cancelled" else refunded


def _all(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query)))
