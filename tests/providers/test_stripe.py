"""Stripe, by its own library and a stand-in on this machine: payment intents, webhooks and refunds, each once."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import stripe
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DataError

from ledger.payment_errors import PaymentRefused, ProviderUnavailable, WebhookRefused
from ledger.settings import Settings
from ledger.store import sqlalchemy_url
from providers.interface import FailedRefund, NewPayment, NewRefund, PaidRefund, Receipt
from providers.registry import open_providers
from providers.stripe import SIGNATURE, StripeProvider
from tests.running_system import free_port
from tests.stripe_servers import KEYS, REFUSED, StripeStandIn, stripe_stand_in

EVENT, HOLD = UUID(int=1), UUID(int=2)
SECRET = KEYS["stripe_webhook_secret"]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StripeStandIn]:
    with stripe_stand_in("http://127.0.0.1:9/") as stand_in:
        yield stand_in


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def provider(engine: Engine, stand_in: StripeStandIn) -> StripeProvider:
    return StripeProvider(engine, Settings(**stand_in.settings))


def payment(amount: int = 5_000, currency: str = "EUR", minutes: int = 30, name: str = "Concert") -> NewPayment:
    return NewPayment(uuid4(), EVENT, HOLD, amount, currency, name, datetime.now(UTC) + timedelta(minutes=minutes))


def intents_of(stand_in: StripeStandIn, id_: UUID) -> list[dict[str, Any]]:
    intents = stand_in.ask("GET", "/v1/payment_intents?limit=10000")["data"]
    return [intent for intent in intents if intent["metadata"].get("payment_id") == str(id_)]


def paid(provider: StripeProvider, stand_in: StripeStandIn, new: NewPayment) -> Receipt:
    stand_in.pay(provider.start(new).client_secret)
    receipt = provider.received(new.id)
    assert receipt is not None
    return receipt


def test_a_payment_has_one_intent_however_often_it_is_started(provider: StripeProvider, stand_in: StripeStandIn) -> None:
    new = payment()
    with ThreadPoolExecutor(4) as pool:
        forms = {*pool.map(lambda number: provider.start(new._replace(description=f"Concert {number % 2}")), range(8))}
    (form,) = forms
    assert (form.publishable_key, form.script_url) == ("pk_test_local", f"{stand_in.url}/js.stripe.com/v3/")
    known = [intent for intent in intents_of(stand_in, new.id) if intent["client_secret"] == form.client_secret]
    assert [(intent["amount"], intent["currency"]) for intent in known] == [(5_000, "eur")]


def test_a_start_that_was_killed_is_begun_anew(
    provider: StripeProvider, stand_in: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = payment()
    with monkeypatch.context() as patch:
        patch.setattr("providers.stripe._NAME", text("SELECT 1 / 0"))
        with pytest.raises(DataError):
            provider.start(new)
    form = provider.start(new)
    assert provider.start(new) == form
    unnamed = [intent for intent in intents_of(stand_in, new.id) if intent["client_secret"] != form.client_secret]
    assert [intent["status"] for intent in unnamed] == ["requires_payment_method"], "nobody has its secret"


def test_what_is_paid_is_received(provider: StripeProvider, stand_in: StripeStandIn) -> None:
    new = payment()
    assert provider.received(new.id) is None, "it was not started"
    form = provider.start(new)
    assert provider.received(new.id) is None
    assert stand_in.pay(form.client_secret, REFUSED)["error"]["code"] == "card_declined"
    assert provider.received(new.id) is None
    assert stand_in.pay(form.client_secret)["status"] == "succeeded"
    intent_id = form.client_secret.split("_secret_")[0]
    receipt = Receipt("stripe", intent_id, new.id, EVENT, HOLD, 5_000, "EUR")
    assert provider.received(new.id) == receipt
    assert receipt.command(1).reference == intent_id


@pytest.mark.parametrize(("currency", "units"), [("JPY", 5_000), ("ISK", 500_000)])
def test_amounts_are_in_the_units_of_stripe(currency: str, units: int, provider: StripeProvider, stand_in: StripeStandIn) -> None:
    receipt = paid(provider, stand_in, payment(currency=currency))
    assert (receipt.amount, receipt.currency) == (5_000, currency)
    assert stand_in.ask("GET", f"/v1/payment_intents/{receipt.object}")["amount"] == units


@pytest.mark.parametrize(("amount", "currency"), [(12_505, "KWD"), (0, "EUR")])
def test_what_stripe_does_not_take_is_refused(amount: int, currency: str, provider: StripeProvider) -> None:
    with pytest.raises(PaymentRefused):
        provider.start(payment(amount, currency))


def test_nothing_is_taken_once_the_time_to_pay_is_over(provider: StripeProvider, stand_in: StripeStandIn) -> None:
    late = payment(minutes=-1)
    form = provider.start(late)
    assert provider.received(late.id) is None
    assert stand_in.pay(form.client_secret)["error"]["code"] == "payment_intent_unexpected_state"
    assert provider.received(late.id) is None


# --- webhooks


def told(**changes: Any) -> dict[str, Any]:
    """A webhook of an intent that was paid."""
    intent = {
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount_received": 5_000, "currency": "eur",
        "metadata": {"payment_id": str(UUID(int=3)), "event_id": str(EVENT), "hold_id": str(HOLD)},
        "latest_charge": None,
    }  # fmt: skip
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "livemode": False, "data": {"object": intent}}
    of_intent = {name: value for name, value in changes.items() if name in (*intent, "client_secret")}
    intent.update(of_intent)
    return {**event, **{name: value for name, value in changes.items() if name not in of_intent}}


def read(provider: StripeProvider, body: str, *, secret: str = SECRET, age: float = 0) -> Receipt | None:
    signed = stripe.WebhookSignature.generate_signature_header(body, secret, int(time.time() - age))
    return provider.read_webhook({SIGNATURE: signed}, body.encode())


def test_a_webhook_tells_what_is_received(provider: StripeProvider) -> None:
    assert read(provider, json.dumps(told())) == Receipt("stripe", "pi_1", UUID(int=3), EVENT, HOLD, 5_000, "EUR")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "payment_intent.created"}, {"type": "charge.refunded", "data": {"object": {"object": "charge"}}},
        {"metadata": {}}, {"metadata": {"payment_id": "another shop's"}}, {"status": "processing", "amount_received": 0},
    ],
)  # fmt: skip
def test_webhooks_that_do_not_matter_are_understood(changes: dict[str, Any], provider: StripeProvider) -> None:
    assert read(provider, json.dumps(told(**changes))) is None


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"livemode": True}, "It is of the other mode: live or test."), ({"account": "acct_2"}, "It is of another account."),
        ({"amount_received": 0}, "The amount is impossible: 0 is no amount of EUR."),
        ({"amount_received": 10**15 + 1}, f"The amount is impossible: {10**15 + 1} is no amount of EUR."),
        ({"amount_received": 1050, "currency": "isk"}, "The amount is impossible: 1050 is no amount of ISK."),
        ({"currency": "xyz"}, None), ({"amount_received": 10**30}, None), ({"amount_received": 1.5}, None), ({"data": {}}, None),
    ],
)  # fmt: skip
def test_impossible_webhooks_are_refused(changes: dict[str, Any], detail: str | None, provider: StripeProvider) -> None:
    with pytest.raises(WebhookRefused) as refused:
        read(provider, json.dumps(told(**changes)))
    assert detail is None or refused.value.detail == detail


def test_a_webhook_needs_a_new_signature_of_ours(provider: StripeProvider) -> None:
    body = json.dumps(told())
    for refused in ({"secret": "whsec_another"}, {"age": 600}):
        with pytest.raises(WebhookRefused):
            read(provider, body, **refused)
    for headers in ({}, {SIGNATURE: ""}, {SIGNATURE: "t=1,v1=é"}, {SIGNATURE: "t=x"}, {SIGNATURE: f"t={int(time.time())},v1=é"}):
        for sent in (body.encode(), b"\xff", b""):
            with pytest.raises(WebhookRefused):
                provider.read_webhook(headers, sent)


# --- refunds


def refunds(stand_in: StripeStandIn, receipt: Receipt) -> list[int]:
    made = stand_in.ask("GET", f"/v1/refunds?payment_intent={receipt.object}&limit=100")["data"]
    return sorted(refund["amount"] for refund in made)


def test_a_refund_is_paid_once(provider: StripeProvider, stand_in: StripeStandIn) -> None:
    receipt = paid(provider, stand_in, payment())
    first, second = (NewRefund(uuid4(), receipt.payment_id, amount, "EUR") for amount in (2_000, 3_000))
    answers = [provider.refund(refund) for refund in (first, second, first)]
    assert [isinstance(answer, PaidRefund) and answer.amount for answer in answers] == [2_000, 3_000, 2_000]
    assert answers[0] == answers[2]
    assert refunds(stand_in, receipt) == [2_000, 3_000]


def test_a_refund_is_looked_up_once_its_key_is_forgotten(provider: StripeProvider, stand_in: StripeStandIn) -> None:
    receipt = paid(provider, stand_in, payment(currency="ISK"))
    refund = NewRefund(uuid4(), receipt.payment_id, 5_000, "ISK")
    answer = provider.refund(refund)
    stand_in.local.forget_keys()
    assert provider.refund(refund) == answer == PaidRefund(5_000, answer.reference)  # type: ignore[union-attr]
    assert refunds(stand_in, receipt) == [500_000]


def test_refunds_at_once_are_paid_once(provider: StripeProvider, stand_in: StripeStandIn) -> None:
    receipt = paid(provider, stand_in, payment())
    refund = NewRefund(uuid4(), receipt.payment_id, 5_000, "EUR")
    with ThreadPoolExecutor(4) as pool:
        assert len({*pool.map(provider.refund, [refund] * 4)}) == 1
    assert refunds(stand_in, receipt) == [5_000]


@pytest.mark.parametrize(("code", "answer"), [("charge_disputed", FailedRefund("charge-disputed")), ("amount_too_large", None)])
def test_a_refund_that_stripe_refuses_for_ever_has_failed(
    code: str, answer: FailedRefund | None, provider: StripeProvider, stand_in: StripeStandIn
) -> None:
    receipt = paid(provider, stand_in, payment())
    refund = NewRefund(uuid4(), receipt.payment_id, 5_000, "EUR")
    with stand_in.local.refusing("/v1/refunds", 400, "invalid_request_error", code):
        if answer is None:
            with pytest.raises(stripe.InvalidRequestError):
                provider.refund(refund)
        else:
            assert provider.refund(refund) == answer
    assert refunds(stand_in, receipt) == []


# --- trouble


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "invalid_request_error"), (403, "invalid_request_error"), (429, "rate_limit"), (500, "api_error"), (502, "html")],
)
def test_an_unusable_answer_is_none(
    status: int, kind: str, provider: StripeProvider, stand_in: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient.MAX_DELAY", 0.01)
    with stand_in.local.refusing("/v1/payment_intents", status, kind, "x"), pytest.raises(ProviderUnavailable):
        provider.start(payment())


def test_a_provider_that_is_away_is_unavailable(engine: Engine, stand_in: StripeStandIn) -> None:
    away = StripeProvider(engine, Settings(**{**stand_in.settings, "stripe_api_base": f"http://127.0.0.1:{free_port()}"}))
    with pytest.raises(ProviderUnavailable):
        away.start(payment())


def test_it_exists_with_its_keys_alone(engine: Engine, settings: Settings) -> None:
    assert "stripe" not in open_providers(settings, engine)
    (provider,) = open_providers(Settings(**KEYS), engine).values()
    assert isinstance(provider, StripeProvider)
