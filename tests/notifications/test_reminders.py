"""A day before its start, and once for each start, those who have tickets of an event are reminded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec.structs import replace

from ledger import entries as e
from ledger.outbox import TO_MANY, quiet
from ledger.settings import Settings
from notifications import reminders
from projections.proof import backup
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, Shop, a_booking
from tests.notifications.test_delivery import Office

DAY = timedelta(days=1)
#: In the future of the machine too: delivery goes by the database's clock.
START = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=20)


def booked(customer: object = s.ALICE, *, before: timedelta = 30 * DAY, quantity: int = 1) -> e.SeatsBooked:
    return replace(a_booking(customer, quantity), at=START - before)


@pytest.fixture
def soon(shop: Shop) -> Shop:
    """The event starts at START; nobody was told yet that it was moved there. Reminders have begun long before."""
    reminders.write(shop.engine)
    shop.append(moved(START))
    set_beginning(shop, START - 10 * DAY)
    return shop


def moved(start: datetime) -> e.EventDetailsChanged:
    changed = s.details_changed()
    return replace(changed, details=replace(changed.details, starts_at=start, ends_at=None, sales_close_at=None, show_at=None))


def set_beginning(shop: Shop, at: datetime) -> None:
    with psycopg.connect(shop.url) as connection:
        connection.execute("UPDATE subscriptions SET updated_at = %s WHERE name = 'reminders'", (at,))


def remind(shop: Shop, before: timedelta = timedelta(hours=20)) -> list[UUID]:
    """The recipients of all reminders so far."""
    reminders.write(shop.engine, now=START - before)
    return [id_ for kind, id_ in shop.rows() if kind == "reminder"]


def test_customers_are_reminded_a_day_before_once(soon: Shop) -> None:
    soon.append(booked(s.ALICE), booked(s.ALICE), booked(s.BOB))
    assert remind(soon, 25 * timedelta(hours=1)) == []
    assert set(remind(soon, timedelta(hours=24))) == {s.ALICE.id, s.BOB.id}
    assert len(remind(soon, timedelta(hours=23))) == 2
    assert soon.rows("event_id, priority")[-1] == (s.EVENT, TO_MANY)


def test_ids_follow_from_event_start_and_customer(soon: Shop) -> None:
    soon.append(booked())
    remind(soon)
    before = soon.rows("id")
    with psycopg.connect(soon.url) as connection:
        connection.execute("DELETE FROM reminded_events")
    remind(soon)
    assert soon.rows("id") == before, "twice is once"


def test_moved_event_reminds_of_its_new_start(soon: Shop) -> None:
    soon.append(booked())
    assert len(remind(soon)) == 1
    soon.append(moved(START + timedelta(hours=1)))
    assert len(remind(soon, timedelta(hours=10))) == 2
    soon.append(moved(START))
    assert len(remind(soon, timedelta(hours=9))) == 2, "of this start they were reminded"


def test_who_has_just_bought_needs_none(soon: Shop) -> None:
    soon.append(booked(s.ALICE, before=timedelta(hours=30)), booked(s.BOB), booked(s.BOB, before=timedelta(hours=21)))
    assert remind(soon, timedelta(hours=20)) == [s.BOB.id]


def test_cancelled_tickets_and_walk_ins_get_none(soon: Shop) -> None:
    gone = booked(s.ALICE)
    soon.append(gone, s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=True, booking=gone.command))
    assert remind(soon) == []


@pytest.mark.parametrize("last", [s.event_cancelled("Rain"), s.event_completed()])
def test_closed_event_reminds_nobody(last: e.Entry, soon: Shop) -> None:
    soon.append(booked(), last)
    assert remind(soon) == []


def test_event_that_has_begun_reminds_nobody(soon: Shop) -> None:
    soon.append(booked())
    assert remind(soon, timedelta()) == []


def test_who_wants_none_gets_none(soon: Shop) -> None:
    soon.append(booked(s.ALICE), booked(s.BOB))
    with psycopg.connect(soon.url) as connection:
        connection.execute("INSERT INTO mail_opt_outs (account_id) VALUES (%s)", (s.BOB.id,))
    assert remind(soon) == [s.ALICE.id]


def test_new_installation_begins_without_a_flood(soon: Shop) -> None:
    """Whose day before had passed when reminders began are not reminded."""
    soon.append(booked())
    set_beginning(soon, START - timedelta(hours=22))
    assert remind(soon) == []
    set_beginning(soon, START - timedelta(hours=25))
    assert len(remind(soon)) == 1


def test_nobody_is_reminded_of_what_was_loaded_quietly(soon: Shop) -> None:
    with quiet(soon.url):
        soon.append(booked())
        assert remind(soon) == []
    assert remind(soon) == [], "it begins anew"


def test_restored_database_reminds_nobody_twice(soon: Shop, tmp_path: Path) -> None:
    soon.append(booked())
    backup._hold_messages(Settings(database_url=soon.url, data_dir=tmp_path))
    assert remind(soon) == []


def test_event_that_is_set_aside_waits(soon: Shop) -> None:
    soon.append(booked())
    with psycopg.connect(soon.url) as connection:
        connection.execute(
            "INSERT INTO set_aside (name, event_id, version, position, error, set_aside_at)"
            " VALUES ('bookings', %s, 1, 1, 'unreadable', now())",
            (s.EVENT,),
        )
    assert remind(soon) == []


@pytest.fixture
def office(soon: Shop, mail_server: MailServer, tmp_path: Path) -> Iterator[Office]:
    soon.append(booked(quantity=2))
    with psycopg.connect(soon.url) as connection:
        connection.execute("INSERT INTO subscriptions (name, position) VALUES ('mail', 0) ON CONFLICT DO NOTHING")
        connection.execute("UPDATE subscriptions SET position = (SELECT max(notification_id) FROM ledger_entries)")
    set_beginning(soon, START - 10 * DAY)
    assert remind(soon) == [s.ALICE.id]
    office = Office(soon, mail_server, tmp_path / "keys")
    yield office
    office.transport.close()


def test_reminder_has_the_facts_and_ends_by_its_link(office: Office, mail_server: MailServer) -> None:
    office.deliver_all()
    (mail,) = mail_server.mails()
    assert (mail["to"], mail["subject"]) == ("alice@example.test", "Reminder: Concert")
    assert "An event you have tickets for starts soon." in mail["text"]
    assert ", 2 tickets: https://seats.test/bookings/" in mail["text"]
    url, one_click = mail["unsubscribe"]
    assert url.startswith("<https://seats.test/unsubscribe/")
    assert one_click == "List-Unsubscribe=One-Click"


def test_claimed_bookings_are_in_the_account_s_reminder(soon: Shop, mail_server: MailServer, tmp_path: Path) -> None:
    contact = soon.add_contact("old@example.test")
    soon.append(booked(contact), booked(s.ALICE))
    soon.claim(contact, s.ALICE)
    assert remind(soon) == [s.ALICE.id]
    office = Office(soon, mail_server, tmp_path / "keys")
    office.deliver_all()
    office.transport.close()
    last = next(mail for mail in mail_server.mails() if mail["subject"].startswith("Reminder"))
    assert last["text"].count("Booking no. ") == 2


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (moved(START + timedelta(hours=3)), "The event was moved, which another mail tells."),
        (s.event_cancelled("Rain"), "The event, or all tickets, were cancelled meanwhile, which another mail tells."),
    ],
)
def test_reminder_that_is_wrong_now_is_not_sent(last: e.Entry, why: str, office: Office, mail_server: MailServer) -> None:
    office.shop.append(last)
    office.deliver_all()
    assert ("reminder", "skipped", why) in office.shop.rows("kind, state, error")
    assert not [mail for mail in mail_server.mails() if mail["subject"].startswith("Reminder")]


def test_late_reminder_is_not_sent(office: Office, mail_server: MailServer) -> None:
    past = START - 3 * DAY
    office.shop.append(moved(past))
    with psycopg.connect(office.shop.url) as connection:
        connection.execute("UPDATE outbox SET details = jsonb_build_object('starts_at', %s::text)", (past.isoformat(),))
    office.deliver_all()
    assert ("skipped", "The event has begun.") in office.shop.rows("state, error")


def test_what_is_done_is_forgotten_in_the_end(soon: Shop) -> None:
    soon.append(booked())
    remind(soon)
    with soon.engine.begin() as connection:
        reminders.clean(connection)
        assert connection.exec_driver_sql("SELECT count(*) FROM reminded_events").scalar() == 1
        connection.exec_driver_sql("UPDATE reminded_events SET starts_at = now() - interval '91 days'")
        reminders.clean(connection)
        assert connection.exec_driver_sql("SELECT count(*) FROM reminded_events").scalar() == 0


def test_id_is_of_the_recipient(soon: Shop) -> None:
    soon.add_account(carol := uuid4(), "carol@example.test", "Carol")
    soon.append(booked(s.ALICE), booked(s.BOB))
    assert len(set(remind(soon))) == 2
    assert carol not in remind(soon)
