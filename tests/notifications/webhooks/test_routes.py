"""Organizers and admins manage their webhooks; nobody sees or changes another's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from app.main import bootstrap
from ledger.settings import Settings
from notifications.webhooks.registry import MOST
from notifications.webhooks.types import NAMES
from tests.ledger import scenario as s
from tests.notifications.webhooks.conftest import Hooks

URL = "https://hooks.example.org/seatledger"
PASSWORD = "a long enough phrase 7"


class Caller:
    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._client, self._headers = client, headers

    async def do(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        return await self._client.request(method, f"/api/webhooks{path}", json=body, headers=self._headers)

    async def ok(self, method: str, path: str = "", body: Any = None) -> Any:
        response = await self.do(method, path, body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def create(self, **more: Any) -> dict[str, Any]:
        created: dict[str, Any] = await self.ok("POST", "", {"url": URL, "types": ["*"], **more})
        return created


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = bootstrap(settings)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def log_in(client: httpx.AsyncClient, database_url: str, role: str) -> Caller:
    email = f"{uuid4().hex[:12]}@example.test"
    await client.post("/api/signup", json={"name": "Some One", "email": email, "password": PASSWORD})
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE accounts SET role = %s WHERE email = %s", (role, email))
    token = (await client.post("/api/login", json={"email": email, "password": PASSWORD})).json()["access_token"]
    return Caller(client, {"Authorization": f"Bearer {token}"})


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with api(settings) as client:
        yield client


@pytest.fixture
async def organizer(client: httpx.AsyncClient, database_url: str) -> Caller:
    return await log_in(client, database_url, "organizer")


async def test_secret_is_shown_once(organizer: Caller) -> None:
    created = await organizer.create(types=["booking.created", "booking.created"])
    assert created["secret"].startswith("whsec_")
    assert created["types"] == ["booking.created"]
    assert (created["state"], created["waiting"], created["failing_since"]) == ("active", 0, None)
    shown = await organizer.ok("GET", f"/{created['id']}")
    assert "secret" not in shown
    assert (await organizer.ok("GET"))["items"] == [shown]


async def test_same_key_makes_one_webhook(organizer: Caller) -> None:
    organizer._headers["Idempotency-Key"] = "one"
    created = await organizer.create()
    assert await organizer.create() == created
    response = await organizer.do("POST", "", {"url": URL + "/2", "types": ["*"]})
    assert response.json()["type"] == "/problems/idempotency-key-reused"
    assert len((await organizer.ok("GET"))["items"]) == 1


async def test_secret_is_changed(organizer: Caller, database_url: str) -> None:
    created = await organizer.create()
    changed = await organizer.ok("POST", f"/{created['id']}/secret")
    assert changed["secret"] != created["secret"]
    assert changed["previous_secret_until"] is not None
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT secret, previous_secret FROM webhooks").fetchone()
    assert created["secret"].encode() not in b"".join(stored or ())


async def test_it_is_changed_paused_and_deleted(organizer: Caller) -> None:
    path = f"/{(await organizer.create())['id']}"
    changed = await organizer.ok("PATCH", path, {"types": ["ticket.used"], "state": "paused", "url": URL + "/2"})
    assert (changed["types"], changed["state"], changed["url"]) == (["ticket.used"], "paused", URL + "/2")
    assert (await organizer.ok("PATCH", path, {}))["state"] == "paused"
    for action, body in (("test", None), ("replay", {"from": 1})):
        response = await organizer.do("POST", f"{path}/{action}", body)
        assert (response.status_code, response.json()["type"]) == (409, "/problems/webhook-paused")
    assert (await organizer.ok("PATCH", path, {"state": "active"}))["state"] == "active"
    await organizer.ok("DELETE", path)
    assert (await organizer.ok("GET"))["items"] == []
    for method, below, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/secret", None), ("POST", "/test", None)):
        assert (await organizer.do(method, path + below, body)).status_code == 404


async def test_test_and_replay_are_taken(organizer: Caller) -> None:
    path = f"/{(await organizer.create())['id']}"
    tested = await organizer.ok("POST", f"{path}/test")
    assert (tested["type"], tested["state"], tested["position"]) == ("webhook.test", "due", None)
    page = await organizer.ok("GET", f"{path}/deliveries")
    assert page == {"items": [tested], "next_cursor": None}
    delivery = await organizer.ok("GET", f"{path}/deliveries/{tested['id']}")
    assert '"type":"webhook.test"' in delivery.pop("body")
    assert delivery == tested
    assert (await organizer.ok("POST", f"{path}/replay", {"from": 5}))["replay_from"] == 5
    assert (await organizer.ok("GET", path))["waiting"] == 1


async def test_deliveries_are_paged_newest_first(organizer: Caller) -> None:
    path = f"/{(await organizer.create())['id']}"
    ids = [(await organizer.ok("POST", f"{path}/test"))["id"] for _ in range(5)]
    first = await organizer.ok("GET", f"{path}/deliveries?limit=3")
    second = await organizer.ok("GET", f"{path}/deliveries?limit=3&cursor={first['next_cursor']}")
    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"url": "ftp://example.org/"}, "url"),
        ({"url": "https://user:password@example.org/"}, "url"),
        ({"url": "https://example.org/#x"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "https://2130706433/"}, "url"),
        ({"url": "x" * 2_001}, "url"),
        ({"url": ""}, "url"),
        ({"url": None}, "url"),
        ({"types": []}, "types"),
        ({"types": ["booking.paid"]}, "types.0"),
        ({"types": ["*", "booking.created"]}, "types"),
        ({"types": ["webhook.test"]}, "types.0"),
        ({"event_id": "x"}, "event_id"),
        ({"secret": "mine"}, "secret"),
    ],
)
async def test_what_is_malformed_is_refused(organizer: Caller, change: dict[str, Any], where: str) -> None:
    response = await organizer.do("POST", "", {"url": URL, "types": ["*"], **change})
    assert response.status_code == 422
    assert response.json()["errors"][0]["path"] == where
    assert response.json()["detail"]
    if change.get("url"):
        path = f"/{(await organizer.create())['id']}"
        assert (await organizer.do("PATCH", path, change)).status_code == 422


def forget_password(database_url: str) -> None:
    """It was given too long ago."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE tokens SET authenticated_at = now() - interval '16 minutes'")


async def test_where_it_is_sent_and_how_it_is_signed_asks_for_the_password_again(organizer: Caller, database_url: str) -> None:
    path = f"/{(await organizer.create())['id']}"
    forget_password(database_url)
    asked = (("POST", "", {"url": URL, "types": ["*"]}), ("PATCH", path, {"url": URL + "/2"}), ("POST", f"{path}/secret", None))
    for method, below, body in asked:
        response = await organizer.do(method, below, body)
        assert (response.status_code, response.json()["type"]) == (403, "/problems/reauthentication-required"), (method, below)
    assert (await organizer.ok("GET", path))["url"] == URL
    for change in ({"state": "paused"}, {"state": "active", "types": ["ticket.used"]}):
        await organizer.ok("PATCH", path, change)
    await organizer.ok("DELETE", path)


async def test_trail_tells_who_changed_webhooks(organizer: Caller, database_url: str) -> None:
    organizer._headers["Idempotency-Key"] = "one"
    path = f"/{(await organizer.create())['id']}"
    assert path == f"/{(await organizer.create())['id']}", "a retry"
    for change in ({"url": URL + "/2"}, {}, {"state": "paused"}):
        await organizer.ok("PATCH", path, change)
    await organizer.ok("POST", f"{path}/secret")
    await organizer.ok("DELETE", path)
    for method, below in (("DELETE", ""), ("POST", "/secret"), ("PATCH", "")):
        assert (await organizer.do(method, path + below, {"state": "active"} if method == "PATCH" else None)).status_code == 404
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT action, account_id = actor_id, network FROM account_trail WHERE action LIKE 'webhook-%' ORDER BY id"
        ).fetchall()
    assert rows == [
        (f"webhook-{action}", True, "127.0.0.0/24")
        for action in ("created", "changed", "changed", "secret-rotated", "deleted")
    ]  # fmt: skip


async def test_private_addresses_can_be_allowed(settings: Settings, database_url: str) -> None:
    async with api(replace(settings, webhooks_allow_private=True)) as client:
        organizer = await log_in(client, database_url, "organizer")
        assert (await organizer.create(url="http://localhost:9000/"))["url"] == "http://localhost:9000/"


async def test_organizer_names_own_events_alone(hooks: Hooks, client: httpx.AsyncClient, database_url: str) -> None:
    organizer, admin = await log_in(client, database_url, "organizer"), await log_in(client, database_url, "admin")
    body = {"url": URL, "types": list(NAMES[1:]), "event_id": str(s.EVENT)}
    assert (await organizer.do("POST", "", body)).json()["type"] == "/problems/not-your-event"
    assert (await admin.ok("POST", "", body))["event_id"] == str(s.EVENT)
    assert (await admin.do("POST", "", {**body, "event_id": str(uuid4())})).json()["type"] == "/problems/event-not-found"


@pytest.mark.parametrize("role", ["customer", "auditor"])
async def test_others_have_none(client: httpx.AsyncClient, database_url: str, role: str) -> None:
    caller = await log_in(client, database_url, role)
    assert (await caller.do("GET")).status_code == 403
    assert (await caller.do("POST", "", {"url": URL, "types": ["*"]})).status_code == 403


async def test_nobody_sees_or_changes_anothers(organizer: Caller, client: httpx.AsyncClient, database_url: str) -> None:
    path = f"/{(await organizer.create())['id']}"
    delivery = (await organizer.ok("POST", f"{path}/test"))["id"]
    other = await log_in(client, database_url, "admin")
    assert (await other.ok("GET"))["items"] == []
    own = f"/{(await other.create())['id']}"
    for method, below, body in (
        ("GET", path, None), ("PATCH", path, {"state": "paused"}), ("DELETE", path, None), ("POST", f"{path}/secret", None),
        ("POST", f"{path}/test", None), ("POST", f"{path}/replay", {"from": 1}), ("GET", f"{path}/deliveries", None),
        ("GET", f"{path}/deliveries/{delivery}", None), ("GET", f"{own}/deliveries/{delivery}", None),
    ):  # fmt: skip
        assert (await other.do(method, below, body)).status_code == 404, (method, below)
    assert (await organizer.ok("GET", path))["state"] == "active"


async def test_account_has_a_limited_number(organizer: Caller) -> None:
    for _ in range(MOST):
        await organizer.create()
    response = await organizer.do("POST", "", {"url": URL, "types": ["*"]})
    assert (response.status_code, response.json()["type"], response.json()["limit"]) == (409, "/problems/too-many-webhooks", MOST)


async def test_erased_organizer_leaves_no_address(client: httpx.AsyncClient, organizer: Caller, database_url: str) -> None:
    await organizer.create()
    response = await client.request("DELETE", "/api/me", headers=organizer._headers)
    assert response.status_code == 204, response.text
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT state, url, secret FROM webhooks").fetchall() == [("deleted", "", b"")]
