"""A follower that is stalled, or that nobody moves, shows up beside the projections, and in the metrics."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from prometheus_client.core import Metric

from app.metrics import projection_metrics
from ledger.settings import Settings
from query_api.routes.system import read_projections
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.notifications.conftest import Shop, a_booking
from tests.notifications.webhooks.conftest import Hooks, hooks
from tests.query_api.world import AUDITOR, Api, reading

__all__ = ["hooks"]


@pytest_asyncio.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """Of an installation that sends mail."""
    async with reading(replace(settings, mail_url="smtp://127.0.0.1:9", mail_from="tickets@seats.test")) as api:
        yield api


async def seen(api: Api) -> dict[str, dict[str, Any]]:
    response = await api.get("/api/projections", AUDITOR)
    return {one["name"]: one for one in response.json()["subscriptions"]}


def store_unreadable(shop: Shop) -> int:
    with psycopg.connect(shop.url) as connection:
        position: int = storage.store(connection, s.EVENT, 2, "seats-booked/1", b"{}")
    shop.append(s.scheduled(), stream=uuid4())
    return position


def samples(families: list[Metric], name: str) -> dict[tuple[str, ...], float]:
    return {tuple(one.labels.values()): one.value for family in families if family.name == name for one in family.samples}


async def test_stalled_subscription_shows_where_and_why(shop: Shop, hooks: Hooks, api: Api) -> None:
    hooks.add("https://hooks.example.org/")
    position = store_unreadable(shop)
    shop.follow()
    hooks.follow()
    subscriptions = await seen(api)
    assert subscriptions.keys() == {"mail", "webhooks"}
    for one in subscriptions.values():
        assert (one["state"], one["failed_position"]) == ("stalled", position)
        assert one["position"] < position
        assert one["lag_entries"] == 2
        assert one["lag_seconds"] > 0
        assert one["error"]
    families = list(projection_metrics(await read_projections(api.side)))
    states = samples(families, "seatledger_subscription_state")
    assert {labels for labels, value in states.items() if value} == {("mail", "stalled"), ("webhooks", "stalled")}
    assert samples(families, "seatledger_subscription_lag_entries") == {("mail",): 2, ("webhooks",): 2}


async def test_subscription_that_moves_is_running(shop: Shop, hooks: Hooks, api: Api) -> None:
    hooks.add("https://hooks.example.org/")
    shop.append(a_booking())
    before = await seen(api)
    assert [(one["state"], one["lag_entries"]) for one in before.values()] == [("running", 1)] * 2, "it was not given the time"
    shop.follow()
    hooks.follow()
    after = await seen(api)
    assert [(one["state"], one["lag_entries"], one["lag_seconds"], one["error"]) for one in after.values()] == [
        ("running", 0, 0.0, None)
    ] * 2


async def test_subscription_that_nobody_moves_is_frozen(shop: Shop, hooks: Hooks, api: Api) -> None:
    hooks.add("https://hooks.example.org/")
    shop.append(a_booking())
    with psycopg.connect(shop.url) as connection:
        connection.execute("UPDATE subscriptions SET updated_at = now() - interval '3 minutes'")
    assert [one["state"] for one in (await seen(api)).values()] == ["frozen"] * 2


@pytest.mark.usefixtures("hooks")
async def test_subscription_without_listeners_is_off(shop: Shop, settings: Settings) -> None:
    store_unreadable(shop)
    shop.follow()
    async with reading(settings) as api:
        assert [one["state"] for one in (await seen(api)).values()] == ["off"] * 2
