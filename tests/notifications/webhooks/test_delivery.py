"""What is due is delivered to a real receiver, at least once, in order, under the same id, whatever the receiver does."""

from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from event_sdk_extras.webhooks import WebhookVerifier
from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.ticket_codes import TicketCodes
from notifications.delivery import GIVES_UP, PAUSES, deliver
from notifications.mail.facts import Facts, Recipient
from notifications.mail.letters import Mail
from notifications.webhooks import delivery
from notifications.webhooks.delivery import FAILS_FOR, HOPELESS, KEPT, LEASE, PARALLEL_OF_OWNER
from notifications.webhooks.sender import PARALLEL
from tests.ledger import scenario as s
from tests.notifications.conftest import a_booking
from tests.notifications.webhooks.conftest import Hooks, WebhookReceiver, book


def secret_of(hooks: Hooks, id_: UUID) -> str:
    return hooks.secrets.open(id_, hooks.state(id_, "secret"))


def test_delivery_is_signed_and_names_its_row(hooks: Hooks, receiver: WebhookReceiver) -> None:
    id_ = hooks.add(receiver.url("/ok?a=b"))
    book(hooks)
    hooks.deliver()
    (request,) = receiver.requests()
    [(row_id, body)] = hooks.rows("id, body")
    assert (request["method"], request["path"], request["id"], request["body"]) == ("POST", "/ok?a=b", str(row_id), body)
    headers = request["headers"]
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert headers["content-type"] == "application/json"
    assert headers.keys() == {
        "host", "user-agent", "content-type", "accept", "content-length", "webhook-id", "webhook-timestamp", "webhook-signature"
    }  # fmt: skip
    verified = WebhookVerifier(secret_of(hooks, id_)).verify(headers, body.encode())
    assert verified["type"] == "booking.created"
    assert hooks.rows("state, tries, status, error, milliseconds IS NOT NULL") == [("sent", 1, 200, None, True)]


def test_both_secrets_sign_while_one_is_changed(hooks: Hooks, receiver: WebhookReceiver) -> None:
    id_ = hooks.add(receiver.url())
    old = secret_of(hooks, id_)
    new, sealed = hooks.secrets.new(id_)
    with hooks.shop.engine.begin() as connection:
        connection.execute(
            text("UPDATE webhooks SET previous_secret = secret, secret = :new, previous_until = now() + interval '1 h'"),
            {"new": sealed},
        )
    for signed_by in ([new, old], [new]):
        book(hooks)
        hooks.deliver()
        request = receiver.requests()[-1]
        signatures = request["headers"]["webhook-signature"].split()
        assert len(signatures) == len(signed_by)
        for secret in signed_by:
            WebhookVerifier(secret).verify(request["headers"], request["body"].encode())
        hooks.pass_time(timedelta(hours=2))


def test_deliveries_arrive_in_order_over_one_connection(hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url())
    book(hooks, 50)
    hooks.deliver()
    positions = [told["position"] for told in receiver.told()]
    assert len(positions) == 50
    assert positions == sorted(positions)
    assert [told["previous_position"] for told in receiver.told()] == [None, *positions[:-1]]


FAILURES = [
    ("/error", 500, "It answered 500."),
    ("/redirect", 302, "It answered 302: redirects are not followed."),
    ("/closes", None, "The connection was closed without an answer."),
    ("/babble", None, "The answer is not HTTP/1.1."),
    ("/hangs", None, "No answer within 1 s."),
]


@pytest.mark.parametrize(("path", "status", "error"), FAILURES)
def test_failure_is_tried_again_after_growing_pauses(
    hooks: Hooks, receiver: WebhookReceiver, path: str, status: int | None, error: str
) -> None:
    hooks.add(receiver.url(path))
    book(hooks, 3)
    hooks.deliver()
    assert hooks.rows("tries, status, error") == [(1, status, error), (0, None, None), (0, None, None)]
    hooks.serve()
    assert len(receiver.requests()) == 1  # nothing is sent in the pause
    hooks.pass_time(PAUSES[0])
    hooks.serve()
    assert [request["id"] for request in receiver.requests()] == [str(hooks.rows("id")[0][0])] * 2
    [(wait,)] = hooks.rows("extract(epoch FROM due_at - now())::int")[:1]
    assert PAUSES[1].total_seconds() - 20 < wait <= PAUSES[1].total_seconds()
    assert receiver.requests("/ok") == []


def test_first_retry_comes_within_10_seconds(hooks: Hooks) -> None:
    hooks.add("http://127.0.0.1:1/")  # nobody listens there
    book(hooks)
    hooks.deliver()
    [(seconds, error)] = hooks.rows("extract(epoch FROM due_at - now()), error")
    assert seconds <= 10
    assert error == "No connection: Connection refused."


def test_receiver_that_wants_no_more_is_paused_at_once(hooks: Hooks, receiver: WebhookReceiver) -> None:
    id_ = hooks.add(receiver.url("/gone"))
    book(hooks, 2)
    hooks.deliver()
    assert hooks.state(id_) == "paused-by-failures"
    assert hooks.rows("state, status") == [("failed", 410), ("due", None)]
    assert hooks.shop.rows() == [("webhook-paused", s.ORGANIZER.id)]
    hooks.pass_time(GIVES_UP)
    hooks.serve()
    assert len(receiver.requests()) == 1


def test_webhook_that_fails_for_days_is_paused(hooks: Hooks, receiver: WebhookReceiver) -> None:
    id_ = hooks.add(receiver.url("/error"))
    book(hooks)
    hooks.deliver()
    assert hooks.state(id_) == "active"
    hooks.pass_time(FAILS_FOR)
    hooks.serve()
    assert hooks.state(id_) == "paused-by-failures"
    assert hooks.shop.rows() == [("webhook-paused", s.ORGANIZER.id)]


def test_owner_is_told_by_mail_which_webhook_is_paused(hooks: Hooks, receiver: WebhookReceiver, tmp_path: Path) -> None:
    id_ = hooks.add(receiver.url("/gone"))
    book(hooks)
    hooks.deliver()
    codes, tokens = TicketCodes(Keyring.open(tmp_path / "keys", "tickets")), MailTokens(Keyring.open(tmp_path / "keys", "mail"))
    sent = list[tuple[Recipient, Mail]]()

    class Post:
        def send(self, id_: UUID, recipient: Recipient, mail: Mail) -> None:
            sent.append((recipient, mail))

    deliver(hooks.shop.engine, Facts("https://seats.test", codes, tokens), Post(), per_second=1_000)
    ((recipient, mail),) = sent
    assert (recipient.address, mail.subject) == (f"{s.ORGANIZER.id}@example.test", "A webhook is paused")
    assert receiver.url("/gone") in mail.text
    assert f"https://seats.test/webhooks/{id_}" in mail.text


def test_webhook_for_which_too_much_waits_is_paused(
    hooks: Hooks, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_WAITING", 3)
    few, many = hooks.add(receiver.url("/error"), types=("ticket.used",)), hooks.add(receiver.url("/error"))
    book(hooks, 4)
    hooks.follow()
    hooks.postman.clean()
    assert (hooks.state(few), hooks.state(many)) == ("active", "paused-by-failures")


def test_delivery_is_given_up_in_the_end(hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url("/error"))
    book(hooks)
    hooks.follow()
    hooks.pass_time(GIVES_UP)
    hooks.serve()
    assert hooks.rows("state, error") == [("failed", "It answered 500.")]


def test_one_that_fails_holds_up_the_others_for_some_tries_only(hooks: Hooks, receiver: WebhookReceiver) -> None:
    id_ = hooks.add(receiver.url("/poison"))
    hooks.shop.append(s.event_cancelled())
    hooks.shop.append(s.scheduled(), a_booking(), stream=UUID(int=0xE7E29))
    hooks.deliver()
    hooks.pass_time(PAUSES[0])
    hooks.serve()
    assert [told["type"] for told in receiver.told()] == ["event.cancelled"] * 2
    hooks.pass_time(PAUSES[1])
    hooks.change(id_, "due_at = now()")
    with hooks.shop.engine.begin() as connection:  # its own pause goes on
        connection.execute(text("UPDATE webhook_deliveries SET due_at = now() + interval '5 min' WHERE tries = 2"))
    hooks.serve()
    assert [told["type"] for told in receiver.told()][2:4] == ["event.created", "event.cancelled"]
    for _ in range(HOPELESS):
        hooks.pass_time(PAUSES[-2])
        hooks.serve()
    assert [row[0] for row in hooks.rows("state")] == ["due", "sent", "sent"]


def test_what_waited_is_sent_in_order_when_the_receiver_is_back(hooks: Hooks, receiver: WebhookReceiver) -> None:
    id_ = hooks.add("http://127.0.0.1:1/")
    book(hooks, 6)
    hooks.follow()
    for _ in range(5):
        hooks.serve()
        hooks.pass_time(PAUSES[2])
    hooks.change(id_, f"url = '{receiver.url()}', due_at = now()")
    hooks.serve()
    assert {row[0] for row in hooks.rows("state")} == {"sent"}
    positions = [told["position"] for told in receiver.told()]
    assert positions[1:] == sorted(positions[1:])  # but the one with which it was found to be back
    assert hooks.state(id_, "failing_since") is None


def test_what_a_killed_process_took_is_delivered_later(hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url())
    book(hooks)
    hooks.follow()
    with hooks.shop.engine.begin() as connection:
        assert connection.execute(delivery._TAKE, {"lease": LEASE, "of_owner": 1}).one_or_none() is not None  # and dies
    assert not hooks.postman.serve()
    hooks.pass_time(LEASE)
    hooks.serve()
    assert hooks.rows("state, tries") == [("sent", 1)]


def test_replay_that_is_asked_for_before_the_answer_sends_again(
    hooks: Hooks, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a receiver does that sees a gap: what it gets then must come again."""
    id_ = hooks.add(receiver.url())
    book(hooks, 2)
    hooks.follow()
    head, original = hooks.shop.ledger.head(), delivery._try

    async def try_and_ask(*arguments: Any) -> Any:
        outcome = await original(*arguments)
        if len(receiver.requests()) == 1:
            hooks.change(id_, f"replay_from = 1, replay_until = {head}")
            assert hooks.replay() == 3
        return outcome

    monkeypatch.setattr(delivery, "_try", try_and_ask)
    hooks.serve()
    # The event, which was before the webhook, then both bookings, the first of them again.
    assert [told["position"] for told in receiver.told()] == [head - 1, head - 2, head - 1, head]
    assert {row[0] for row in hooks.rows("state")} == {"sent"}


def test_slow_receiver_delays_no_other(hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url("/hangs"))
    hooks.add(receiver.url("/ok"))
    book(hooks, 20)
    hooks.follow()
    threads = [Thread(target=hooks.postman.serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.requests("/ok")) == 20
    assert len(receiver.requests("/hangs")) == 1


def test_slow_receivers_of_one_owner_leave_threads_to_others(hooks: Hooks, receiver: WebhookReceiver) -> None:
    for _ in range(PARALLEL):
        hooks.add(receiver.url("/hangs"))
    hooks.add(receiver.url("/ok"), owner=s.ADMIN.id)
    book(hooks, 1)
    hooks.follow()
    threads = [Thread(target=hooks.postman.serve) for _ in range(PARALLEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(receiver.requests("/hangs")), len(receiver.requests("/ok"))) == (PARALLEL_OF_OWNER, 1)


def test_turn_ends_after_its_time(hooks: Hooks, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TURN_SECONDS", 0.0)
    hooks.add(receiver.url("/ok"))
    hooks.add(receiver.url("/ok"), owner=s.ADMIN.id)
    book(hooks, 2)
    hooks.follow()
    hooks.serve()
    of = dict(hooks.rows("id::text, webhook_id"))
    served = [of[request["id"]] for request in receiver.requests()]
    assert served[0] != served[1]


def test_secret_that_can_not_be_read_costs_no_try(hooks: Hooks, receiver: WebhookReceiver, tmp_path: Path) -> None:
    id_ = hooks.add(receiver.url())
    hooks.change(id_, "secret = 'no secret that we have sealed'")
    book(hooks)
    hooks.deliver()
    assert hooks.rows("state, tries") == [("due", 0)]


def test_old_deliveries_and_those_of_deleted_webhooks_are_deleted(hooks: Hooks, receiver: WebhookReceiver) -> None:
    kept, gone = hooks.add(receiver.url()), hooks.add(receiver.url())
    book(hooks)
    hooks.deliver()
    hooks.change(gone, "state = 'deleted'")
    hooks.postman.clean()
    assert hooks.rows("webhook_id") == [(kept,)]
    with hooks.shop.engine.connect() as connection:
        assert connection.scalars(text("SELECT id FROM webhooks")).all() == [kept]
    hooks.pass_time(KEPT)
    hooks.postman.clean()
    assert hooks.rows() == []
