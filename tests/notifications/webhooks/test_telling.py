"""Each entry that concerns a webhook has one delivery, whatever happens to those who write them."""

import json
from contextlib import closing
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from sqlalchemy import text

from ledger import entries as e
from ledger.details import Category
from ledger.entries import TOPICS
from ledger.event import batch_id, category_id, pool_id
from ledger.outbox import quiet
from ledger.store import Ledger
from ledger.views import ticket_id
from notifications import follower
from notifications.webhooks.bodies import _DATA, FactReader
from notifications.webhooks.telling import WebhookFollower, replay
from notifications.webhooks.types import ALL, NAMES, TYPES
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.ledger import promo_codes as promo
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.notifications.conftest import NOW, a_booking
from tests.notifications.webhooks.conftest import Hooks

URL = "https://hooks.example.test/"
OTHER_EVENT = UUID(int=0xE7E28)


def bodies(hooks: Hooks) -> list[dict[str, Any]]:
    return [json.loads(body) for (body,) in hooks.rows("body")]


def test_each_class_of_entries_has_a_type_and_a_body() -> None:
    assert TYPES.keys() == _DATA.keys() == set(TOPICS.values())
    assert set(NAMES) == {ALL, *TYPES.values()}
    assert len(set(TYPES.values())) == len(TYPES)


def test_booking_is_told_as_the_api_shows_it(hooks: Hooks) -> None:
    hooks.add(URL)
    booking = a_booking(quantity=2)
    hooks.shop.append(booking)
    assert hooks.follow() == 1
    (body,) = bodies(hooks)
    position = hooks.shop.ledger.head()
    assert body == {
        "type": "booking.created",
        "timestamp": "2026-05-25T12:00:00Z",
        "position": position,
        "previous_position": None,
        "event_id": str(s.EVENT),
        "data": {
            "id": str(booking.command),
            "number": position,
            "event_id": str(s.EVENT),
            "event_name": "Concert",
            "customer_id": str(s.ALICE.id),
            "status": "confirmed",
            "lines": [{"category": "General", "quantity": 2, "unit_price": "50.00", "amount": "100.00"}],
            "total_amount": "100.00",
            "refunded_amount": "0.00",
            "payment_status": "none-due",
            "paid_amount": "0.00",
            "due_amount": "0.00",
            "refund_due_amount": "0.00",
            "currency": "EUR",
            "tickets": [
                {"id": str(ticket_id(booking.command, number)), "category": "General", "status": "active"} for number in (0, 1)
            ],
            "booked_at": "2026-05-25T12:00:00Z",
            "updated_at": "2026-05-25T12:00:00Z",
        },
    }


def test_every_kind_of_entry_is_told(hooks: Hooks) -> None:
    hooks.add(URL)
    booking = s.payable(a_booking(quantity=2))
    hooks.shop.append(
        booking,
        s.received(10_000, booking=booking.command),
        s.held(s.ALICE, s.general(1)),
        s.started(s.ALICE, 5_000, s.ANOTHER_PAYMENT),
        s.extended(s.DUE),
        s.released(),
        s.lapsed(s.ANOTHER_HOLD),
        s.details_changed(name="Gala"),
        e.CategoryAdded(**s.stamp(), category=Category(3, "Box", 9_950, 4)),
        e.CategoryRenamed(**s.stamp(), category=3, name="Lodge"),
        e.PriceChanged(**s.stamp(), category=1, price=6_000),
        s.capacity_changed(1, 20),
        s.pools_set(s.pool(capacity=9)),
        promo.codes_made(promo.batch(value=1_250)),
        promo.codes_withdrawn(),
        e.CategoryRemoved(**s.stamp(), category=3),
        e.TicketUsed(**s.stamp(), booking_id=booking.command, ticket=1),
        s.less_to_pay(s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False, booking=booking.command), 5_000),
        owed := s.owed(5_000, booking.command, booking=booking.command),
        s.paid_back(2_000, owed.refund_id, booking=booking.command),
        s.refund_failed(3_000, owed.refund_id, booking=booking.command),
        s.event_cancelled("Rain"),
    )
    hooks.shop.append(s.scheduled(name="Other"), e.EventCompleted(**s.stamp()), stream=OTHER_EVENT)
    hooks.follow()
    told = {body["type"]: body["data"] for body in bodies(hooks)}
    assert told.keys() == set(TYPES.values())
    assert (told["event.changed"]["name"], told["event.changed"]["status"]) == ("Gala", "active")
    assert (told["event.cancelled"]["name"], told["event.cancelled"]["status"]) == ("Gala", "cancelled")
    assert told["event.cancelled"]["reason"] == "Rain"
    assert told["event.completed"]["status"] == "completed"
    assert [category["name"] for category in told["event.created"]["categories"]] == ["General", "VIP"]
    box = str(category_id(s.EVENT, 3))
    assert told["category.added"] == {"id": box, "name": "Box", "price": "99.50", "currency": "EUR", "capacity": 4}
    assert told["category.renamed"] == {"id": box, "name": "Lodge"}
    assert told["category.removed"] == {"id": box}
    both = [str(category_id(s.EVENT, number)) for number in (1, 2)]
    assert told["pools.set"] == {"pools": [{"id": str(pool_id(s.EVENT, 1)), "name": "Hall", "capacity": 9, "categories": both}]}
    batch = str(batch_id(s.EVENT, 1))
    assert (told["codes.made"]["id"], told["codes.made"]["value"], told["codes.withdrawn"]) == (batch, "12.50", {"id": batch})
    assert told["category.price_changed"]["price"] == "60.00"
    assert told["category.capacity_changed"]["capacity"] == 20
    assert (told["hold.created"]["id"], told["hold.created"]["total_amount"]) == (str(s.HOLD), "50.00")
    assert told["hold.extended"]["id"] == told["hold.released"]["id"] == str(s.HOLD)
    assert told["holds.lapsed"]["ids"] == [str(s.ANOTHER_HOLD)]
    assert told["ticket.used"]["id"] == str(ticket_id(booking.command, 1))
    assert told["booking.cancelled"]["cancelled_tickets"] == [str(ticket_id(booking.command, 0))]
    amounts = [
        (type_, told[type_]["amount"], told[type_]["currency"]) for type_ in ("payment.received", "refund.owed", "refund.paid")
    ]
    assert amounts == [("payment.received", "100.00", "EUR"), ("refund.owed", "50.00", "EUR"), ("refund.paid", "20.00", "EUR")]
    assert told["refund.owed"]["id"] == told["refund.paid"]["id"] == str(owed.refund_id)
    assert {told[type_]["booking_id"] for type_, *_ in amounts} == {str(booking.command)}
    assert (told["booking.cancelled"]["refund_amount"], told["booking.cancelled"]["status"]) == ("50.00", "confirmed")


def test_positions_are_chained_for_each_webhook(hooks: Hooks) -> None:
    hooks.add(URL)
    hooks.add(URL, types=("ticket.used",))
    booking = a_booking(quantity=3)
    used = [e.TicketUsed(**s.stamp(), booking_id=booking.command, ticket=number) for number in (0, 1)]
    hooks.shop.append(used[0], booking, used[1])
    assert hooks.follow(batch_size=1) == 3
    first = hooks.shop.ledger.head() - 2
    rows = hooks.rows("position, (body::json->>'previous_position')::int, webhook_id")
    chains = {webhook: [(position, previous) for position, previous, of in rows if of == webhook] for *_, webhook in rows}
    assert sorted(chains.values(), key=len) == [
        [(first, None), (first + 2, first)],
        [(first, None), (first + 1, first), (first + 2, first + 1)],
    ]


def test_organizer_hears_of_own_events_alone(hooks: Hooks) -> None:
    own, others, all_ = hooks.add(URL), hooks.add(URL, owner=s.OTHER_ORGANIZER.id), hooks.add(URL, owner=s.ADMIN.id)
    customer = hooks.add(URL, owner=s.ALICE.id)
    theirs = msgspec.structs.replace(s.scheduled(), organizer_id=s.OTHER_ORGANIZER.id)
    hooks.shop.append(a_booking())
    hooks.shop.append(theirs, stream=OTHER_EVENT)
    hooks.follow()
    told = [(webhook, type_) for webhook, type_ in hooks.rows("webhook_id, type")]
    assert sorted(told) == sorted(
        [(own, "booking.created"), (others, "event.created"), (all_, "booking.created"), (all_, "event.created")]
    )
    assert customer not in dict(told)


def test_webhook_of_one_event_hears_of_no_other(hooks: Hooks) -> None:
    hooks.add(URL, event=OTHER_EVENT)
    hooks.shop.append(a_booking())
    hooks.shop.append(s.scheduled(), stream=OTHER_EVENT)
    hooks.follow()
    assert hooks.rows("type") == [("event.created",)]


def test_owner_who_lost_the_rights_hears_nothing(hooks: Hooks) -> None:
    hooks.add(URL)
    hooks.shop.append(a_booking())
    hooks.follow()
    for change in ("role = 'customer'", "role = 'organizer', disabled = true"):
        with hooks.shop.engine.begin() as connection:
            connection.execute(text(f"UPDATE accounts SET {change} WHERE id = :id"), {"id": s.ORGANIZER.id})
        hooks.shop.append(a_booking())
        hooks.follow()
        assert not hooks.postman.serve()
    assert len(hooks.rows()) == 1


def test_it_begins_at_the_head(hooks: Hooks) -> None:
    hooks.shop.append(a_booking())
    hooks.add(URL)  # while the follower is behind
    hooks.shop.append(a_booking())
    hooks.follow()
    assert hooks.rows("position") == [(hooks.shop.ledger.head(),)]


def test_what_happens_while_it_is_paused_is_a_gap(hooks: Hooks) -> None:
    id_ = hooks.add(URL)
    for state in ("active", "paused", "active"):
        hooks.change(id_, f"state = '{state}'")
        hooks.shop.append(a_booking())
        hooks.follow()
    head = hooks.shop.ledger.head()
    assert hooks.rows("position, (body::json->>'previous_position')::int") == [(head - 2, None), (head, head - 1)]


def test_rebuild_and_a_step_again_write_no_row(hooks: Hooks) -> None:
    hooks.add(URL)
    hooks.shop.append(a_booking())
    hooks.follow()
    with closing(Rebuilder(hooks.shop.url, hooks.shop.ledger)) as rebuilder:
        rebuilder.rebuild(list(PROJECTORS.values()))
    assert hooks.follow() == 0
    with hooks.shop.engine.begin() as connection:  # as after a restore of an older row
        connection.execute(text("UPDATE subscriptions SET position = 0"))
    assert hooks.follow() == 2
    assert len(hooks.rows()) == 1


def test_nobody_is_told_of_what_is_loaded_quietly(hooks: Hooks) -> None:
    hooks.add(URL)
    with quiet(hooks.shop.url):
        hooks.shop.append(a_booking())
        assert hooks.follow() == 0
    assert hooks.follow() == 0
    assert hooks.rows() == []


def test_concurrent_workers_write_each_row_once(hooks: Hooks) -> None:
    hooks.add(URL)
    hooks.add(URL, owner=s.ADMIN.id)
    hooks.shop.append(*(a_booking() for _ in range(10)))
    barrier = Barrier(3)

    def work() -> None:
        barrier.wait()
        with closing(Ledger(hooks.shop.url, storage.MACS)) as ledger:
            for _ in range(15):
                follower.advance(hooks.shop.engine, ledger, WebhookFollower(FactReader(ledger)), now=NOW, batch_size=2)

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hooks.follow()
    assert len(hooks.rows()) == 20


def test_without_webhooks_it_reads_nothing_and_stays_near_the_head(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "BATCH_SIZE", 5)
    hooks.shop.append(*(a_booking() for _ in range(4)))
    hooks.follow()
    with hooks.shop.engine.connect() as connection:
        position = "SELECT position FROM subscriptions WHERE name = 'webhooks'"
        before = connection.scalar(text(position))
        hooks.shop.append(*(a_booking() for _ in range(4)))
        hooks.follow()
        assert before is not None
        assert connection.scalar(text(position)) == hooks.shop.ledger.head() > before


def test_unreadable_entry_stalls_it_until_it_is_passed_over(hooks: Hooks) -> None:
    hooks.add(URL)
    with psycopg.connect(hooks.shop.url) as connection:
        position = storage.store(connection, s.EVENT, 2, "seats-booked/1", b"{}")
        connection.execute("UPDATE projections SET position = %s, failed_position = NULL", (position,))
    assert hooks.follow() == 0
    with hooks.shop.engine.begin() as sql:
        assert follower.skip(sql, "webhooks") == position


def test_replay_makes_deliveries_due_under_their_ids(hooks: Hooks) -> None:
    id_ = hooks.add(URL)
    hooks.shop.append(*(a_booking() for _ in range(5)))
    hooks.follow()
    before = hooks.rows("id, position, body")
    with hooks.shop.engine.begin() as connection:
        connection.execute(text("UPDATE webhook_deliveries SET state = 'sent', tries = 1, settled_at = now()"))
        connection.execute(text("DELETE FROM webhook_deliveries WHERE position = :last"), {"last": before[-1][1]})
    second = before[1][1]
    hooks.change(id_, f"replay_from = {second}, replay_until = {before[-1][1]}")
    assert hooks.replay(batch_size=2) == 4
    assert hooks.rows("state") == [("sent",), *[("due",)] * 4]
    assert [row[:2] for row in hooks.rows("id, position, body")] == [row[:2] for row in before]
    assert hooks.rows("body")[-1] == before[-1][2:]  # it is made again as it was
    assert hooks.state(id_, "replay_from") is None


def test_replay_goes_back_before_the_webhook_but_not_beyond_its_rights(hooks: Hooks) -> None:
    theirs = msgspec.structs.replace(s.scheduled(), organizer_id=s.OTHER_ORGANIZER.id)
    hooks.shop.append(theirs, stream=OTHER_EVENT)
    hooks.shop.append(a_booking())
    id_ = hooks.add(URL, types=("event.created", "booking.created"))
    hooks.change(id_, f"replay_from = 1, replay_until = {hooks.shop.ledger.head()}")
    hooks.follow()
    with hooks.shop.engine.begin() as connection:
        connection.execute(text("UPDATE subscriptions SET position = :head"), {"head": hooks.shop.ledger.head()})
    hooks.replay()
    assert hooks.rows("type") == [("event.created",), ("booking.created",)]


def test_replay_of_a_lot_waits_for_its_deliveries(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks.shop.append(a_booking())
    id_ = hooks.add(URL)
    hooks.change(id_, f"replay_from = 1, replay_until = {hooks.shop.ledger.head()}")
    with hooks.shop.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO webhook_deliveries (id, webhook_id, type, body)"
                 " SELECT gen_random_uuid(), :id, 'webhook.test', '{}' FROM generate_series(1, 1000)"), {"id": id_},
        )  # fmt: skip
        connection.execute(text("UPDATE subscriptions SET position = :head"), {"head": hooks.shop.ledger.head()})
    assert hooks.replay() == 0
    with hooks.shop.engine.begin() as connection:
        connection.execute(text("UPDATE webhook_deliveries SET state = 'sent'"))
    assert hooks.replay() == 2


def test_entry_id_is_of_the_entry_and_the_webhook(hooks: Hooks) -> None:
    ids = {hooks.add(URL), hooks.add(URL)}
    hooks.shop.append(a_booking(), a_booking())
    hooks.follow()
    rows = hooks.rows("id, webhook_id")
    assert len({id_ for id_, _ in rows}) == 4
    assert {webhook for _, webhook in rows} == ids


def test_replays_take_turns(hooks: Hooks) -> None:
    hooks.shop.append(*(a_booking() for _ in range(40)))
    head = hooks.shop.ledger.head()
    ids = [hooks.add(URL) for _ in range(2)]
    for id_ in ids:
        hooks.change(id_, f"replay_from = 1, replay_until = {head}")
    with hooks.shop.engine.begin() as connection:
        connection.execute(text("UPDATE subscriptions SET position = :head"), {"head": head})
    for _ in range(30):  # fewer steps than one of them takes
        assert replay(hooks.shop.engine, hooks.shop.ledger, hooks.reader, batch_size=1) == 1
    assert all((hooks.state(id_, "replay_from") or 1) > 1 for id_ in ids)
