"""The provider of the demo: what it knows, what it tells, and that nobody else can tell it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from ledger.payment_errors import PaymentNotFound, ProviderUnavailable, WebhookRefused
from ledger.settings import Settings
from ledger.store import sqlalchemy_url
from providers.demo import SIGNATURE, DemoProvider
from providers.interface import FailedRefund, NewPayment, NewRefund, PaidRefund, PaymentPage, Receipt
from providers.registry import open_providers

EVENT, HOLD = UUID(int=1), UUID(int=2)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def provider(engine: Engine) -> DemoProvider:
    return DemoProvider(engine, bytes(32))


def started(provider: DemoProvider) -> UUID:
    payment = NewPayment(uuid4(), EVENT, HOLD, 5_000, "EUR", "Concert", datetime.now(UTC))
    assert provider.start(payment) == provider.start(payment) == PaymentPage(f"/pay/demo/{payment.id}")
    return payment.id


def test_what_is_paid_is_received_once_it_has_arrived(provider: DemoProvider) -> None:
    id_ = started(provider)
    assert provider.received(id_) is None
    provider.decline(id_)
    assert (provider.received(id_), provider.find(id_).state) == (None, "declined")
    provider.pay(id_, seconds=60)
    assert (provider.received(id_), provider.find(id_).state) == (None, "paid")
    at_once = started(provider)
    provider.pay(at_once, seconds=0)
    provider.decline(at_once)
    assert provider.received(at_once) == Receipt("demo", str(at_once), at_once, EVENT, HOLD, 5_000, "EUR")


def test_an_unknown_payment_is_not_received(provider: DemoProvider) -> None:
    assert provider.received(uuid4()) is None
    with pytest.raises(PaymentNotFound):
        provider.find(uuid4())


def test_a_webhook_tells_what_is_received(provider: DemoProvider) -> None:
    id_ = started(provider)
    provider.pay(id_, seconds=0)
    assert provider.read_webhook(*provider.webhook(provider.find(id_))) == provider.received(id_)


def test_a_webhook_of_anybody_else_is_refused(provider: DemoProvider, engine: Engine) -> None:
    headers, body = provider.webhook(provider.find(started(provider)))
    other = DemoProvider(engine, b"1" * 32)
    for wrong in (
        {},
        {SIGNATURE: ""},
        {SIGNATURE: "é"},
        {SIGNATURE: headers[SIGNATURE][:-1]},
        other.webhook(provider.find(started(provider)))[0],
    ):
        with pytest.raises(WebhookRefused):
            provider.read_webhook(wrong, body)
    with pytest.raises(WebhookRefused):
        provider.read_webhook(headers, body.replace(b"5000", b"5001"))


WHOLE = b'{"payment_id":"%s","event_id":"%s","hold_id":"%s","amount":%s,"currency":"%s"}'
ID = str(UUID(int=1)).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", b"[]", b'{"amount": 1}', b"[" * 100_000,
        *(WHOLE % (ID, ID, ID, amount, b"EUR") for amount in (b"0", b"-1", b"1.5", b"1000000000000001", b"9223372036854775808")),
        *(WHOLE % (ID, ID, ID, b"100", currency) for currency in (b"usd", b"EURO", b"", b"E\\u0000R", b"A" * 5_000)),
    ],
)  # fmt: skip
def test_signed_garbage_is_refused(provider: DemoProvider, body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        provider.read_webhook({SIGNATURE: provider._sign(body)}, body)


def test_a_refund_is_paid_once(provider: DemoProvider, engine: Engine) -> None:
    id_ = started(provider)
    provider.pay(id_, seconds=0)
    refund = NewRefund(uuid4(), id_, 2_000, "EUR")
    first = provider.refund(refund)
    assert isinstance(first, PaidRefund)
    assert (first.amount, provider.refund(refund)) == (2_000, first)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*), sum(amount) FROM demo_refunds")).one() == (1, 2_000)


def test_a_card_may_take_no_refunds(provider: DemoProvider) -> None:
    id_ = started(provider)
    provider.pay(id_, seconds=0, takes_refunds=False)
    assert provider.refund(NewRefund(uuid4(), id_, 2_000, "EUR")) == FailedRefund("refunds-refused")


def test_without_its_database_it_is_unavailable() -> None:
    provider = DemoProvider(create_engine("postgresql+psycopg://nobody@127.0.0.1:9/none", connect_args={"connect_timeout": 2}), b"")
    with pytest.raises(ProviderUnavailable):
        provider.received(uuid4())


def test_it_exists_in_the_demo_alone(settings: Settings, engine: Engine) -> None:
    assert not open_providers(settings, engine)
