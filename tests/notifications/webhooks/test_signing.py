"""Signatures are those of Standard Webhooks: by its own test vector, and by the SDK, which shares no code with them."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_sdk_extras.webhooks import InvalidSignature, WebhookVerifier
from notifications.webhooks import signing

#: Of the specification's reference implementations.
SECRET, ID, TIMESTAMP, BODY = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signature_is_that_of_the_reference() -> None:
    assert signing.headers([SECRET], ID, TIMESTAMP, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": SIGNATURE,
    }


def test_verifier_takes_the_reference() -> None:
    headers = {"Webhook-Id": ID, "Webhook-Timestamp": str(TIMESTAMP), "Webhook-Signature": f"v2,no v1,bm8= {SIGNATURE}"}
    assert WebhookVerifier(SECRET, now=lambda: TIMESTAMP).verify(headers, BODY) == {"test": 2432232314}


def test_secret_is_random_and_long_enough() -> None:
    secrets = {signing.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("whsec_") and len(secret) == 6 + 44 for secret in secrets)


def test_each_secret_of_a_rotation_verifies() -> None:
    old, new = signing.new_secret(), signing.new_secret()
    headers = signing.headers([new, old], "1", int(time.time()), b"{}")
    for secret in (old, new):
        assert WebhookVerifier(secret).verify(headers, b"{}") == {}
    assert WebhookVerifier(signing.new_secret(), old).verify(headers, b"{}") == {}
    with pytest.raises(InvalidSignature):
        WebhookVerifier(signing.new_secret()).verify(headers, b"{}")


@given(st.dictionaries(st.text(), st.integers()), st.sampled_from(["id", "timestamp", "body", "signature"]))
def test_what_was_changed_does_not_verify(content: dict[str, int], what: str) -> None:
    secret, body = signing.new_secret(), json.dumps(content).encode()
    headers = signing.headers([secret], "a", int(time.time()), body)
    assert WebhookVerifier(secret).verify(headers, body) == content
    if what == "body":
        body += b" "
    else:
        name = f"webhook-{what}"
        headers[name] = {"id": "b", "timestamp": str(int(headers["webhook-timestamp"]) - 1), "signature": "v1,AAAA"}[what]
    with pytest.raises(InvalidSignature):
        WebhookVerifier(secret).verify(headers, body)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_old_and_future_requests_are_refused(seconds: int) -> None:
    secret = signing.new_secret()
    headers = signing.headers([secret], "a", int(time.time()) + seconds, b"{}")
    with pytest.raises(InvalidSignature, match="too old, or from the future"):
        WebhookVerifier(secret).verify(headers, b"{}")


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_request_without_the_fields_is_refused(missing: str) -> None:
    secret = signing.new_secret()
    headers = signing.headers([secret], "a", int(time.time()), b"{}")
    del headers[missing]
    with pytest.raises(InvalidSignature):
        WebhookVerifier(secret).verify(headers, b"{}")
