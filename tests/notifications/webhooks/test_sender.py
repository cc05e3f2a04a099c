"""A deployed worker tells webhooks: woken by the tick or by itself, and after a kill."""

import json
import random
import time
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import entries as e
from ledger.settings import Settings
from notifications.webhooks.delivery import PARALLEL_OF_OWNER
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, a_booking, mail_server
from tests.notifications.test_mailer import append
from tests.notifications.webhooks.conftest import Hooks, WebhookReceiver
from tests.running_system import free_port
from tests.soak import SOAK, rounds
from tests.workers.deployment import process, send_wake_ups, wait_until

__all__ = ["mail_server"]

KILLS = 50 if SOAK else 4


@pytest.fixture
def sending(settings: Settings) -> Settings:
    return replace(settings, webhooks_allow_private=True)


def test_worker_tells_within_a_second_or_two(sending: Settings, hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url())
    with process(sending, "worker"):
        append(hooks.shop, a_booking())
        send_wake_ups(sending)
        wait_until(lambda: len(receiver.requests()) == 1, "the first request")
        began = time.monotonic()
        append(hooks.shop, a_booking())
        send_wake_ups(sending)
        wait_until(lambda: len(receiver.requests()) == 2, "a request")
        print(f"told after {time.monotonic() - began:.2f} s")
    assert [told["type"] for told in receiver.told()] == ["booking.created"] * 2


def test_worker_needs_no_redis_to_tell(sending: Settings, hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url())
    with process(replace(sending, redis_url=f"redis://127.0.0.1:{free_port()}/0"), "worker"):
        append(hooks.shop, a_booking())
        wait_until(lambda: len(receiver.requests()) == 1, "a request")


def test_worker_that_may_not_tell_this_machine_does_not(settings: Settings, hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url())
    with process(settings, "worker"):
        append(hooks.shop, a_booking())
        wait_until(lambda: hooks.rows("tries") == [(1,)], "a try")
    assert receiver.requests() == []


def test_receivers_that_hang_delay_neither_mails_nor_other_webhooks(
    sending: Settings, hooks: Hooks, receiver: WebhookReceiver, mail_server: MailServer
) -> None:
    mailing = replace(sending, mail_url=mail_server.url, mail_from="tickets@seats.test", mails_per_second=1_000)
    for _ in range(rounds(PARALLEL_OF_OWNER + 1, 5)):
        hooks.add(receiver.url("/hangs"))
    hooks.add(receiver.url("/ok"))

    def have_arrived(number: int) -> bool:
        return (len(receiver.requests("/ok")), len(mail_server.mails())) == (number, number)

    with process(mailing, "worker"):
        for number in range(1, rounds(2, 3) + 1):
            append(hooks.shop, a_booking())
            send_wake_ups(mailing)
            wait_until(partial(have_arrived, number), "a request and a mail")


def test_nothing_is_lost_or_written_twice_where_workers_are_killed(
    sending: Settings, hooks: Hooks, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    """Each entry has one row a webhook; each row arrives, and what arrives again has the same id and body."""
    dice = random.Random(20)
    webhooks = {"/ok": hooks.add(receiver.url("/ok")), "/later": hooks.add(receiver.url("/later"))}
    hooks.shop.append(s.capacity_changed(1, KILLS * 5 + 1))
    hooks.follow()
    booked = list[e.SeatsBooked]()
    for _ in range(KILLS):
        more = [a_booking() for _ in range(5)]
        booked += more
        append(hooks.shop, *more)
        with process(sending, "worker") as worker:
            time.sleep(dice.uniform(0.2, 1.0))
            worker.kill()
        _no_pauses(hooks)
    with process(sending, "worker"):

        def is_done() -> bool:
            _no_pauses(hooks)
            return sorted(hooks.rows("state")) == [("sent",)] * len(webhooks) * (len(booked) + 1)

        wait_until(is_done, "every delivery")
    rows = hooks.rows("id::text, webhook_id, position")
    assert len({(webhook, position) for _, webhook, position in rows}) == len(rows) == 2 * (len(booked) + 1)
    arrived = defaultdict[str, set[str]](set)
    for request in receiver.requests():
        arrived[request["id"]].add(request["body"])
    assert arrived.keys() == {id_ for id_, _, _ in rows}
    assert {len(bodies) for bodies in arrived.values()} == {1}
    told = [json.loads(body)["data"].get("id") for bodies in arrived.values() for body in bodies]
    assert {str(booking.command) for booking in booked} <= set(told)
    again = len(receiver.requests("/ok")) - len(booked) - 1
    print(f"{KILLS} kills: {len(rows)} deliveries, {again} to the willing receiver twice")


def _no_pauses(hooks: Hooks) -> None:
    """As if the time were over that the killed ones had, and that of a retry."""
    with hooks.shop.engine.begin() as connection:
        connection.execute(text("UPDATE webhooks SET taken_until = NULL, due_at = now() WHERE due_at > now() OR taken_until < now()"
                                " + interval '50 s'"))  # fmt: skip
        connection.execute(text("UPDATE webhook_deliveries SET due_at = now() WHERE state = 'due' AND due_at > now()"))
