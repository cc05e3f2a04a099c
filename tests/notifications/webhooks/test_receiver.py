"""notifications/webhooks/receiver.py: which addresses are connected to, and how much of an answer is read."""

import os
import resource
import time
from collections.abc import Sequence
from typing import Any

import pytest

from notifications.webhooks import delivery
from notifications.webhooks import receiver as receiver_module
from tests.notifications.webhooks.conftest import Hooks, WebhookReceiver, book


def test_proxies_of_the_environment_are_not_used(hooks: Hooks, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    hooks.add(receiver.url())
    book(hooks)
    hooks.deliver()
    assert hooks.rows("state") == [("sent",)]


class Names:
    """A resolver that says something else each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


def with_names(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> Names:
    names = Names(*answers)
    original: Any = receiver_module.Receiver

    def receiver_with_names(*arguments: Any, **more: Any) -> Any:
        return original(*arguments, **more, names=names)

    monkeypatch.setattr(delivery, "Receiver", receiver_with_names)
    return names


def test_name_is_resolved_once_for_what_it_is_checked_and_connected_for(
    hooks: Hooks, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = with_names(monkeypatch, ["127.0.0.1"], ["10.255.255.1"])
    hooks.add(f"http://hooks.example.test:{receiver.port}/ok")
    book(hooks, 3)
    hooks.deliver()
    assert names.asked == 1
    assert [request["headers"]["host"] for request in receiver.requests()] == [f"hooks.example.test:{receiver.port}"] * 3


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]])
def test_name_that_leads_to_a_private_address_is_not_connected_to(
    hooks: Hooks, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    with_names(monkeypatch, addresses)
    hooks.postman.allow_private = False
    hooks.add(f"http://hooks.example.test:{receiver.port}/ok")
    book(hooks)
    hooks.deliver()
    assert hooks.rows("state, error") == [("due", "The name leads to an address that is not public.")]
    assert receiver.requests() == []


def test_private_address_that_was_allowed_once_is_not_any_more(hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.postman.allow_private = False
    for host in ("127.0.0.1", "localhost", "2130706433"):
        hooks.add(f"http://{host}:{receiver.port}/ok")
    book(hooks)
    hooks.deliver()
    assert {row[0] for row in hooks.rows("error")} == {"The name leads to an address that is not public."}
    assert receiver.requests() == []


def test_name_that_does_not_exist_is_a_failure(hooks: Hooks) -> None:
    hooks.add("https://nowhere.invalid/")
    book(hooks)
    hooks.deliver()
    ((state, error),) = hooks.rows("state, error")
    assert (state, error) in (("due", "The name can't be resolved."), ("due", "No answer within 1 s."))


@pytest.mark.parametrize("path", ["/huge", "/stalls"])
def test_answer_is_not_read_beyond_its_limit(hooks: Hooks, receiver: WebhookReceiver, path: str) -> None:
    hooks.add(receiver.url(path))
    book(hooks)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    hooks.deliver()
    assert hooks.rows("state, status") == [("sent", 200)]
    assert time.monotonic() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # in KiB


def test_nothing_of_an_answer_is_kept(hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url("/error"))
    book(hooks)
    hooks.deliver()
    assert receiver.requests()  # it answered "secret"
    assert "secret" not in str(hooks.rows("to_jsonb(webhook_deliveries) - 'body'"))


def test_answer_that_is_never_final_ends(hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url("/informs"))
    book(hooks)
    began = time.thread_time()
    hooks.deliver()
    assert hooks.rows("state, error") == [("due", "The head of the answer does not end.")]
    assert time.thread_time() - began < 1, "it takes no processor for as long as it likes"
