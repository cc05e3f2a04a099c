"""Each entry that somebody should hear of has its rows in the outbox, once, whatever happens to those who write them."""

from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, text

from ledger import entries as e
from ledger.keys import Keyring
from ledger.macs import Macs
from ledger.outbox import quiet
from ledger.store import Ledger, sqlalchemy_url
from notifications.mail_follower import advance, skip
from projections.proof.transfer import export, import_
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.conftest import PostgresServer
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.notifications.conftest import NOW, Shop, a_booking

ALICE, BOB = s.ALICE.id, s.BOB.id


def test_rows_are_in_the_order_of_the_entries_and_written_once(shop: Shop) -> None:
    first, second = a_booking(quantity=2), a_booking(s.BOB)
    cancelled = s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False, booking=first.command)
    shop.append(first, second, cancelled)
    assert shop.follow(batch_size=1) == 3
    expected = [
        ("booking-confirmed", ALICE, first.command),
        ("booking-confirmed", BOB, second.command),
        ("tickets-cancelled", ALICE, first.command),
    ]
    assert shop.rows("kind, recipient_id, booking_id") == expected
    assert shop.follow() == 0
    with shop.engine.begin() as connection:  # as after a restore of an older row
        connection.execute(text("UPDATE subscriptions SET position = 0"))
    assert shop.follow() == 4
    assert shop.rows("kind, recipient_id, booking_id") == expected


def test_everybody_with_tickets_is_told_once_of_the_event(shop: Shop) -> None:
    gone = a_booking(s.BOB)
    shop.append(a_booking(), a_booking(), gone)
    shop.append(s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=True, booking=gone.command))
    shop.append(s.details_changed(venue="Elsewhere"), a_booking(s.BOB), s.event_cancelled("Rain"))
    shop.follow()
    about_event = [row for row in shop.rows() if row[0].startswith("event-")]
    assert about_event[0] == ("event-changed", ALICE)
    assert set(about_event[1:]) == {("event-cancelled", ALICE), ("event-cancelled", BOB)}
    assert len(about_event) == 3


def test_who_has_no_address_gets_no_row(shop: Shop) -> None:
    shop.erase(s.BOB.id)
    shop.append(a_booking(s.BOB), a_booking(s.GUEST), a_booking())
    shop.follow()
    assert shop.rows() == [("booking-confirmed", ALICE)]


def test_it_stays_behind_the_read_tables(shop: Shop) -> None:
    storage.append(shop.ledger, [e.RecordedEntry(s.EVENT, 2, a_booking())])
    assert shop.follow() == 0
    shop.project()
    assert shop.follow() == 1


def test_concurrent_workers_write_each_row_once(shop: Shop) -> None:
    shop.append(*(a_booking() for _ in range(10)))
    barrier, passed = Barrier(4), list[int]()

    def work() -> None:
        barrier.wait()
        with closing(Ledger(shop.url, storage.MACS)) as ledger:
            for _ in range(20):
                passed.append(advance(shop.engine, ledger, now=NOW, batch_size=2))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.follow()
    assert len(shop.rows()) == 10


def test_rebuild_tells_nobody(shop: Shop) -> None:
    shop.append(a_booking())
    shop.follow()
    with closing(Rebuilder(shop.url, shop.ledger)) as rebuilder:
        rebuilder.rebuild(list(PROJECTORS.values()))
    assert shop.follow() == 0
    assert len(shop.rows()) == 1


def test_nobody_is_told_of_what_is_loaded_quietly(shop: Shop) -> None:
    with quiet(shop.url):
        shop.append(a_booking())
        assert shop.follow() == 0
    shop.append(a_booking(s.BOB))
    assert shop.follow() == 1
    assert shop.rows() == [("booking-confirmed", BOB)]


def test_import_tells_nobody(shop: Shop, postgres_server: PostgresServer, template_database: str, tmp_path: Path) -> None:
    shop.append(a_booking())
    url = postgres_server.create(f"imported_{uuid4().hex[:8]}", template_database)
    with (tmp_path / "export").open("w+b") as file:
        with psycopg.connect(shop.url) as connection:
            export(connection, file, lambda done, total: None)
        file.seek(0)
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO subscriptions (name, position) VALUES ('mail', 0)")
        with closing(Ledger(url, storage.MACS)) as ledger:
            import_(ledger, file, storage.MACS, lambda done, total: None)
            engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
            imported = Shop(url, ledger, engine)
            imported.project()
            assert imported.follow() == 0
            assert imported.rows() == []


def test_positions_that_recur_after_the_ledger_went_back_are_told(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE subscriptions SET position = 1000"))
    assert shop.follow() == 0  # it notices
    shop.append(a_booking())
    assert shop.follow() == 1
    assert len(shop.rows()) == 1


def test_unreadable_entry_stalls_it_until_it_is_passed_over(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.append(a_booking())
    with psycopg.connect(shop.url) as connection:
        position = storage.store(connection, s.EVENT, 3, "seats-booked/1", b"{}")
    shop.append(s.scheduled(), stream=uuid4())
    assert shop.follow() == 1
    assert shop.follow() == 0
    with shop.engine.connect() as connection:
        row = connection.execute(text("SELECT failed_position, error FROM subscriptions")).one()
    assert row.failed_position == position
    assert [record.message.count(f"stalled at position {position}") for record in caplog.records].count(1) == 1
    with shop.engine.begin() as connection:
        assert skip(connection) == position
    with shop.engine.begin() as connection:
        assert skip(connection) is None
    assert shop.follow() == 1
    assert len(shop.rows()) == 1


def test_entry_of_a_later_release_stalls_it(shop: Shop) -> None:
    shop.append(a_booking())
    with psycopg.connect(shop.url) as connection:
        position = storage.store(connection, s.EVENT, 3, "seats-booked/9", b"{}")
    with psycopg.connect(shop.url) as connection:  # as if a newer worker had projected it
        connection.execute("UPDATE projections SET position = %s, failed_position = NULL", (position,))
    assert shop.follow() == 1
    with shop.engine.connect() as connection:
        assert connection.execute(text("SELECT failed_position FROM subscriptions")).scalar_one() == position


def test_forged_entry_is_told_to_nobody(shop: Shop) -> None:
    with psycopg.connect(shop.url) as connection:
        storage.store(connection, s.EVENT, 2, "seats-booked/1", b"{}", Macs(Keyring({1: b"another" + bytes(25)})))
        connection.execute("UPDATE projections SET position = (SELECT max(notification_id) FROM ledger_entries)")
    assert shop.follow() == 1
    assert shop.rows() == []


def test_customers_of_an_event_that_is_set_aside_are_told_from_the_ledger(shop: Shop) -> None:
    booking = a_booking()
    shop.append(booking)
    with psycopg.connect(shop.url) as connection:
        connection.execute(
            "INSERT INTO set_aside (name, event_id, version, position, error, set_aside_at)"
            " SELECT 'bookings', %s, 3, max(notification_id) + 1, 'a fault', now() FROM ledger_entries",
            (s.EVENT,),
        )
    shop.append(a_booking(s.BOB), s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=True, booking=booking.command))
    shop.append(s.event_cancelled())
    shop.follow()
    assert ("tickets-cancelled", ALICE) in shop.rows()
    assert ("event-cancelled", BOB) in shop.rows()


def test_position_moves_in_the_transaction_that_writes_the_rows(shop: Shop) -> None:
    """And its commit waits for the disk: a message that is delivered must not be forgotten."""
    shop.append(a_booking())
    with psycopg.connect(shop.url) as connection:
        connection.execute("ALTER TABLE outbox ADD CONSTRAINT none CHECK (false) NOT VALID")
    with pytest.raises(Exception, match="none"):
        shop.follow()
    with psycopg.connect(shop.url) as connection:
        connection.execute("ALTER TABLE outbox DROP CONSTRAINT none")
    assert shop.follow() == 1
    assert len(shop.rows()) == 1
