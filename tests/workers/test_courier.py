"""A worker's courier: there where somebody is to be told, started again when it ends, gone with its worker."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from ledger.settings import Settings
from ledger.webhooks import WEBHOOKS
from tests.forked_processes import ForkedProcess
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, Shop, a_booking, mail_server, shop
from tests.notifications.test_mailer import append
from tests.notifications.webhooks.conftest import Hooks, WebhookReceiver, hooks, receiver
from tests.workers.deployment import process, wait_until
from workers.courier import PART

__all__ = ["hooks", "mail_server", "receiver", "shop"]


def couriers(worker: ForkedProcess) -> list[psutil.Process]:
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(worker.pid).children():
            with suppress(psutil.NoSuchProcess):
                found += [child] if child.status() != psutil.STATUS_ZOMBIE and PART in child.cmdline() else []
    return found


@pytest.fixture
def mailing(settings: Settings, mail_server: MailServer) -> Settings:
    return replace(settings, mail_url=mail_server.url, mail_from="tickets@seats.test", webhooks_allow_private=True)


@pytest.fixture
def worker(mailing: Settings, shop: Shop, mail_server: MailServer) -> Iterator[ForkedProcess]:
    """With a courier that has sent one mail."""
    with process(mailing, "worker") as running:
        append(shop, a_booking())
        wait_until(lambda: len(mail_server.mails()) == 1, "a mail")
        yield running


def test_courier_begins_with_the_first_webhook(settings: Settings, hooks: Hooks, receiver: WebhookReceiver) -> None:
    with process(replace(settings, webhooks_allow_private=True), "worker") as running:
        append(hooks.shop, a_booking())
        wait_until(lambda: hooks.shop.engine.connect().exec_driver_sql("SELECT count(*) FROM bookings").scalar() == 1, "a row")
        assert couriers(running) == [], "there is nobody to tell"
        hooks.add(receiver.url())
        append(hooks.shop, a_booking())
        wait_until(lambda: len(receiver.requests()) == 1, "a request")
        [courier] = couriers(running)
        assert courier.cmdline()[-1] == WEBHOOKS, "mail is off"


def test_courier_that_ended_is_started_again(worker: ForkedProcess, shop: Shop, mail_server: MailServer) -> None:
    [first] = couriers(worker)
    first.kill()
    append(shop, a_booking(s.BOB))  # Alice's next mail may wait for the one that was just sent, and not settled
    wait_until(lambda: len(mail_server.mails()) == 2, "another mail")
    assert couriers(worker) not in ([], [first])


def test_webhooks_wait_for_no_mail(worker: ForkedProcess, hooks: Hooks, receiver: WebhookReceiver) -> None:
    [mail] = couriers(worker)
    hooks.add(receiver.url())
    mail.suspend()
    append(hooks.shop, a_booking(s.BOB))
    wait_until(lambda: len(receiver.requests()) == 1, "a request")
    mail.resume()


def test_courier_ends_with_a_worker_that_is_killed(worker: ForkedProcess) -> None:
    [courier] = couriers(worker)
    worker.kill()
    assert psutil.wait_procs([courier], timeout=20) == ([courier], [])


def test_courier_ends_with_a_worker_that_is_stopped(worker: ForkedProcess) -> None:
    [courier] = couriers(worker)
    worker.terminate()
    assert worker.wait(20) == 0
    assert psutil.wait_procs([courier], timeout=20) == ([courier], [])


def test_courier_outlives_a_signal_to_all(worker: ForkedProcess, shop: Shop, mail_server: MailServer) -> None:
    [courier] = couriers(worker)
    courier.terminate()
    append(shop, a_booking(s.BOB))
    wait_until(lambda: len(mail_server.mails()) == 2, "another mail")
    assert couriers(worker) == [courier], "what it was sending would be sent again"
