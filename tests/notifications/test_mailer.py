"""A deployed worker sends mail: woken by the tick or by itself, without Redis, and after a kill."""

import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from ledger import entries as e
from ledger.commands import Actor, Role
from ledger.settings import Settings
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.notifications.conftest import MailServer, Shop, a_booking
from tests.running_system import free_port
from tests.soak import SOAK
from tests.workers.deployment import process, send_wake_ups, wait_until

KILLS = 50 if SOAK else 4


@pytest.fixture
def dice() -> random.Random:
    return random.Random(17)


def now(entry: e.Entry) -> e.Entry:
    return msgspec.structs.replace(entry, at=datetime.now(UTC))


@pytest.fixture
def mailing(settings: Settings, mail_server: MailServer) -> Settings:
    return replace(settings, mail_url=mail_server.url, mail_from="tickets@seats.test", mails_per_second=1_000)


def append(shop: Shop, *entries: e.Entry) -> None:
    """Without projecting: that is the worker's."""
    first = shop.ledger.current_event(s.EVENT)
    assert first is not None
    storage.append(
        shop.ledger, [e.RecordedEntry(s.EVENT, version, now(one)) for version, one in enumerate(entries, first.version + 1)]
    )


def test_worker_tells_customers(mailing: Settings, shop: Shop, mail_server: MailServer) -> None:
    with process(mailing, "worker"):
        append(shop, a_booking(), a_booking(s.BOB))
        send_wake_ups(mailing)
        wait_until(lambda: len(mail_server.mails()) == 2, "two mails")
    assert {mail["to"] for mail in mail_server.mails()} == {"alice@example.test", "bob@example.test"}


def test_worker_needs_no_redis_to_tell(mailing: Settings, shop: Shop, mail_server: MailServer) -> None:
    with process(replace(mailing, redis_url=f"redis://127.0.0.1:{free_port()}/0"), "worker"):
        append(shop, a_booking())
        wait_until(lambda: len(mail_server.mails()) == 1, "a mail")


def test_nothing_is_lost_or_written_twice_where_workers_are_killed(
    mailing: Settings, shop: Shop, mail_server: MailServer, dice: random.Random
) -> None:
    """Each message arrives, and one that arrives again has the same id."""
    people = [uuid4() for _ in range(KILLS * 4)]
    for person in people:
        shop.add_account(person, f"{person}@example.test")
    shop.append(s.capacity_changed(1, len(people)))
    for kill in range(KILLS):
        append(shop, *(a_booking(Actor(person, Role.CUSTOMER)) for person in people[kill * 4 : kill * 4 + 4]))
        with process(mailing, "worker") as worker:
            time.sleep(dice.uniform(0.2, 1.0))
            worker.kill()
    with process(mailing, "worker"):
        with shop.engine.begin() as connection:  # as if the time were over that the killed ones had
            connection.execute(text("UPDATE outbox SET due_at = now() WHERE state = 'due'"))
        wait_until(lambda: shop.rows("state") == [("sent",)] * len(people), "every mail")
    assert sorted(shop.rows("recipient_id")) == sorted((person,) for person in people)
    ids = {mail["to"]: set[str]() for mail in mail_server.mails()}
    for mail in mail_server.mails():
        ids[mail["to"]].add(mail["id"])
    assert ids.keys() == {f"{person}@example.test" for person in people}
    assert {len(own) for own in ids.values()} == {1}
    print(f"{KILLS} kills: {len(people)} messages, {len(mail_server.mails()) - len(people)} delivered twice")


def test_worker_without_mail_tells_nobody(settings: Settings, shop: Shop) -> None:
    with process(settings, "worker"):
        append(shop, a_booking())
        send_wake_ups(settings)
        wait_until(lambda: shop.position("bookings") == shop.ledger.head(), "the booking projected")
    assert shop.rows() == []
