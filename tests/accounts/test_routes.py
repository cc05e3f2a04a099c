"""accounts/routes.py and accounts/access.py, over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import redis
from fastapi import FastAPI

from accounts.access import CSRF_COOKIE, SESSION_COOKIE, Admin, Anyone, Auditor, Buyer, Organizer, SignedIn
from accounts.known_devices import DEVICE_COOKIE
from app.openapi import add_cookie
from ledger.commands import Role
from ledger.settings import Settings

Person = Callable[..., Awaitable[dict[str, Any]]]
PASSWORD = "correct horse battery"
ALICE = {"name": "Alice", "email": "Alice@Example.test", "password": PASSWORD}
ROLES = list(Role)


async def test_an_account_lives_from_sign_up_to_erasure(client: httpx.AsyncClient) -> None:
    signed_up = await client.post("/api/signup", json={**ALICE, "phone": "12345"})
    assert signed_up.status_code == 201
    account = signed_up.json()
    assert account.keys() == {
        "id", "name", "email", "phone", "role", "disabled", "created_at", "is_contact", "has_second_factor", "is_email_proven",
        "is_email_bouncing", "wants_organizer_mail",
    }  # fmt: skip
    assert (account["email"], account["role"], account["phone"], account["disabled"]) == (
        "alice@example.test",
        "customer",
        "12345",
        False,
    )
    assert account["created_at"].endswith("Z")
    session = (await client.post("/api/login", json={"email": "ALICE@example.test", "password": PASSWORD})).json()
    assert session.keys() == {"access_token", "token_type", "expires_at", "account"}
    assert (session["token_type"], session["account"]) == ("bearer", account)
    client.cookies.clear()
    client.headers["Authorization"] = f"Bearer {session['access_token']}"
    assert (await client.get("/api/me")).json() == account
    changed = await client.patch("/api/me", json={"phone": None, "name": "Alicia"})
    assert (changed.json()["phone"], changed.json()["name"]) == (None, "Alicia")
    assert (await client.delete("/api/me")).status_code == 204
    assert (await client.get("/api/me")).status_code == 401


async def test_log_out_takes_effect_at_once(client: httpx.AsyncClient, person: Person) -> None:
    client.headers.update((await person())["headers"])
    assert (await client.post("/api/logout")).status_code == 204
    assert (await client.get("/api/me")).status_code == 401
    assert (await client.post("/api/logout")).status_code == 401


async def test_responses_are_not_cached(client: httpx.AsyncClient, person: Person) -> None:
    for response in (
        await client.post("/api/signup", json=ALICE),
        await client.post("/api/signup", json=ALICE),
        await client.get("/api/me"),
        await client.get("/api/me", headers=(await person())["headers"]),
        await client.post("/api/logout", headers=(await person(name="bob"))["headers"]),
    ):
        assert response.headers["cache-control"] == "no-store", response


# Cookies


async def test_log_in_sets_the_cookies_of_a_browser(client: httpx.AsyncClient, person: Person) -> None:
    alice = await person()
    response = await client.post("/api/login", json={"email": alice["email"], "password": PASSWORD})
    session, csrf, device = response.headers.get_list("set-cookie")
    assert device.startswith(f"{DEVICE_COOKIE}=")
    assert {"HttpOnly", "Max-Age=31536000"} <= set(device.split("; "))
    assert session.startswith(f"{SESSION_COOKIE}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=1209600"} <= set(session.split("; "))
    assert csrf.startswith(f"{CSRF_COOKIE}=")
    assert "HttpOnly" not in csrf
    assert (await client.get("/api/me")).status_code == 200
    csrf_token = client.cookies[CSRF_COOKIE]
    cleared = await client.post("/api/logout", headers={"X-CSRF-Token": csrf_token})
    assert cleared.status_code == 204
    assert set(client.cookies) == {DEVICE_COOKIE}, "it stays known"


async def test_guesses_of_strangers_keep_nobody_out_of_a_known_device(client: httpx.AsyncClient, person: Person) -> None:
    body = {"email": (await person())["email"], "password": PASSWORD}
    await client.post("/api/login", json=body)
    device = client.cookies[DEVICE_COOKIE]
    client.cookies.clear()
    for _ in range(10):
        assert (await client.post("/api/login", json={**body, "password": "wrong password"})).status_code == 401
    assert (await client.post("/api/login", json=body)).status_code == 429
    assert (await client.post("/api/login", json=body, headers={"Cookie": f"{DEVICE_COOKIE}={device[::-1]}"})).status_code == 429
    assert (await client.post("/api/login", json=body, headers={"Cookie": f"{DEVICE_COOKIE}={device}"})).status_code == 200


async def test_devices_of_the_account_that_had_an_address_before_are_not_known(client: httpx.AsyncClient, person: Person) -> None:
    """Cookies that a stranger has collected for the address, before its owner signs up."""
    stranger = await person()
    body = {"email": stranger["email"], "password": PASSWORD}
    devices = []
    for _ in range(3):
        assert (await client.post("/api/login", json=body)).status_code == 200
        devices.append(client.cookies[DEVICE_COOKIE])
        client.cookies.clear()
    change = {"email": "elsewhere@example.test", "old_password": PASSWORD}
    assert (await client.patch("/api/me", json=change, headers=stranger["headers"])).status_code == 200
    assert (await client.post("/api/signup", json={"name": "V", **body, "password": "another good passphrase"})).status_code == 201
    for _ in range(10):
        assert (await client.post("/api/login", json=body)).status_code == 401
    for device in devices:
        assert (await client.post("/api/login", json=body, headers={"Cookie": f"{DEVICE_COOKIE}={device}"})).status_code == 429
    renamed = {"email": "elsewhere@example.test", "password": PASSWORD}
    for _ in range(10):
        assert (await client.post("/api/login", json={**renamed, "password": "wrong password"})).status_code in (401, 429)
    known = await client.post("/api/login", json=renamed, headers={"Cookie": f"{DEVICE_COOKIE}={devices[0]}"})
    assert known.status_code == 200, "the account itself keeps its devices, whatever its address is"


async def test_sign_ups_of_an_address_are_limited(client: httpx.AsyncClient, settings: Settings) -> None:
    statuses = [(await client.post("/api/signup", json=ALICE)).status_code for _ in range(settings.sign_ups_per_minute + 5)]
    assert statuses == [201] + [409] * (settings.sign_ups_per_minute - 1) + [429] * 5


@pytest.mark.parametrize("header", [None, "", "0" * 32, "é", "another session's"])
async def test_a_cookie_without_csrf_header_changes_nothing(client: httpx.AsyncClient, person: Person, header: str | None) -> None:
    alice, bob = await person(name="alice"), await person(name="bob")
    await client.post("/api/login", json={"email": bob["email"], "password": PASSWORD})
    if header == "another session's":
        header = client.cookies[CSRF_COOKIE]
    await client.post("/api/login", json={"email": alice["email"], "password": PASSWORD})
    headers = {} if header is None else {b"X-CSRF-Token": header.encode()}
    for method in ("POST", "PATCH", "DELETE"):
        path = "/api/logout" if method == "POST" else "/api/me"
        response = await client.request(method, path, headers=headers)
        assert response.status_code == 403, (method, response.text)
    assert (await client.get("/api/me")).json()["name"] == "alice"


async def test_a_header_takes_precedence_over_a_cookie(client: httpx.AsyncClient, person: Person) -> None:
    alice, bob = await person(name="alice"), await person(name="bob")
    client.cookies.set(SESSION_COOKIE, alice["token"])
    assert (await client.get("/api/me", headers=bob["headers"])).json()["name"] == "bob"
    assert (await client.patch("/api/me", json={}, headers=bob["headers"])).status_code == 200


async def test_an_invalid_cookie_is_deleted(client: httpx.AsyncClient) -> None:
    client.cookies.set(SESSION_COOKIE, "x" * 43)
    response = await client.get("/api/me")
    assert response.status_code == 401
    assert any(cookie.startswith(f'{SESSION_COOKIE}="";') for cookie in response.headers.get_list("set-cookie"))


# Roles


async def test_policies_permit_their_roles(client: httpx.AsyncClient, app: FastAPI, person: Person) -> None:
    policies = {"anyone": Anyone, "signed-in": SignedIn, "buyer": Buyer, "organizer": Organizer, "auditor": Auditor, "admin": Admin}
    for name, policy in policies.items():

        def route(principal: policy) -> None:  # type: ignore[valid-type]  # a policy is such a type
            ...

        app.get(f"/{name}")(route)
    allowed: dict[str, set[Role | None]] = {
        "anyone": {None, *ROLES},
        "signed-in": set(ROLES),
        "buyer": {Role.CUSTOMER, Role.ORGANIZER, Role.ADMIN},
        "organizer": {Role.ORGANIZER, Role.ADMIN},
        "auditor": {Role.AUDITOR, Role.ADMIN},
        "admin": {Role.ADMIN},
    }
    for role in (None, *ROLES):
        headers = (await person(role))["headers"] if role else {}
        for name in policies:
            expected = 200 if role in allowed[name] else 403 if role else 401
            assert (await client.get(f"/{name}", headers=headers)).status_code == expected, (role, name)


async def test_routes_of_accounts_permit_their_roles(client: httpx.AsyncClient, person: Person) -> None:
    admin_routes = [("GET", "/api/users"), ("POST", "/api/users"), ("PATCH", "/api/users/00000000-0000-0000-0000-000000000000")]
    own_routes = [("GET", "/api/me"), ("PATCH", "/api/me"), ("DELETE", "/api/me"), ("POST", "/api/logout")]
    for method, path in admin_routes + own_routes:
        assert (await client.request(method, path, json={})).status_code == 401, path
    for role in (Role.CUSTOMER, Role.ORGANIZER, Role.AUDITOR):
        headers = (await person(role))["headers"]
        for method, path in admin_routes:
            assert (await client.request(method, path, json={}, headers=headers)).status_code == 403, path
    headers = (await person(Role.ADMIN))["headers"]
    statuses = [(await client.request(method, path, json={}, headers=headers)).status_code for method, path in admin_routes]
    assert statuses == [200, 422, 404]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", f"Bearer {'x' * 43}", "Basic abc", "Token x", "", f"Bearer {'é' * 43}", "Bearer " + "x" * 9000]
)
async def test_an_invalid_token_is_401_even_on_public_routes(client: httpx.AsyncClient, app: FastAPI, header: str) -> None:
    @app.get("/anyone")
    def route(principal: Anyone) -> None: ...

    assert (await client.get("/anyone", headers={b"Authorization": header.encode("latin-1")})).status_code == 401


def test_the_document_lists_roles_token_and_cookie(app: FastAPI) -> None:
    @app.get("/anyone")
    def route(principal: Anyone) -> None: ...

    document = app.openapi()
    add_cookie(document)
    operations = {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}
    assert {
        "sign_up",
        "log_in",
        "log_out",
        "get_me",
        "update_me",
        "erase_me",
        "get_users",
        "create_user",
        "update_user",
    } <= operations.keys()
    assert operations["create_user"]["security"] == [{"bearer": ["admin"]}, {"cookie": ["admin"]}]
    assert operations["get_me"]["security"][0] == {"bearer": ["customer", "organizer", "auditor", "admin"]}
    assert document["paths"]["/anyone"]["get"]["security"] == [{"bearer": []}, {"cookie": []}, {}]
    assert "security" not in operations["sign_up"]
    assert document["components"]["securitySchemes"].keys() == {"bearer", "cookie"}


# Users


async def test_an_admin_creates_finds_and_changes_users(client: httpx.AsyncClient, person: Person) -> None:
    client.headers.update((await person(Role.ADMIN))["headers"])
    body = {**ALICE, "role": "organizer"}
    first = await client.post("/api/users", json=body, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()["role"]) == (201, "organizer")
    again = await client.post("/api/users", json=body, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (201, first.json())
    other = await client.post("/api/users", json={**body, "name": "Bob"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert (await client.post("/api/users", json=body)).status_code == 409
    changed = await client.patch(f"/api/users/{first.json()['id']}", json={"disabled": True})
    assert (changed.status_code, changed.json()["disabled"]) == (200, True)
    page = (await client.get("/api/users", params={"q": "ALICE"})).json()
    assert page == {"items": [changed.json()], "next_cursor": None}
    page = (await client.get("/api/users", params={"limit": 1})).json()
    rest = (await client.get("/api/users", params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [1, 1, None]


# What comes in


BAD_TEXT = ["\x00", "a\x00b", "a\nb", "\x1b[31m", "", " ", "x" * 201]


@pytest.mark.parametrize("name", [*BAD_TEXT, 7, None, [], {}])
async def test_a_bad_name_is_422(client: httpx.AsyncClient, name: Any) -> None:
    assert (await client.post("/api/signup", json={**ALICE, "name": name})).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\\ud800", "email": "a@example.test", "password": "12345678"}',
        b'{"name": "a", "email": "\\ud800@example.test", "password": "12345678"}',
        b'{"name": "a", "email": "a@example.test", "password": "\\ud8001234567"}',
        b'{"name": "a", "email": "a@example.test", "password": "12345678", "\\ud800": 1}',
        b'{"name": "a", "email": "a@example.test", "password": "12345678", "role": "admin"}',
        b'{"name": "a", "email": "a@example.test", "password": "12345678", "id": "00000000-0000-0000-0000-000000000000"}',
        b'{"name": "a", "email": "a@example.test", "password": "1234567"}',
        b'{"name": "a", "email": "a@example.test", "password": "' + b"x" * 201 + b'"}',
        b'{"name": "a", "email": "a", "password": "12345678"}',
        b'{"name": "a", "email": "a@example.test", "password": "12345678", "phone": "' + b"1" * 41 + b'"}',
        b"[]",
        b"null",
        b"{",
        b"",
        b"\xff\xfe",
        b'{"name": "' + b"x" * 60_000 + b'"}',
        b"[" * 5_000,
    ],
)
async def test_a_bad_body_is_422_never_500(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/api/signup", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.text


@pytest.mark.parametrize(
    "body", [{"role": "god"}, {"email": "x@example.test"}, {"password": "12345678"}, {"disabled": "perhaps"}, {"id": 1}]
)
async def test_an_admin_changes_role_and_disabled_only(client: httpx.AsyncClient, person: Person, body: dict[str, Any]) -> None:
    admin = await person(Role.ADMIN)
    assert (await client.patch(f"/api/users/{admin['id']}", json=body, headers=admin["headers"])).status_code == 422


@pytest.mark.parametrize(
    "body", [{"role": "admin"}, {"disabled": False}, {"password": "12345678"}, {"email": "x@example.test"}, {"name": "\x00"}]
)
async def test_an_account_can_t_change_its_own_role(client: httpx.AsyncClient, person: Person, body: dict[str, Any]) -> None:
    assert (await client.patch("/api/me", json=body, headers=(await person())["headers"])).status_code == 422


@pytest.mark.parametrize(
    "params",
    [{"q": "\x00"}, {"q": "x" * 10_000}, {"limit": 0}, {"limit": 201}, {"limit": "x"}, {"cursor": "\x00"}, {"cursor": "x" * 300}],
)
async def test_a_bad_query_is_422(client: httpx.AsyncClient, person: Person, params: dict[str, Any]) -> None:
    assert (await client.get("/api/users", params=params, headers=(await person(Role.ADMIN))["headers"])).status_code == 422


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"\xe9", b"a\tb"])
async def test_a_bad_idempotency_key_is_422(client: httpx.AsyncClient, person: Person, key: bytes) -> None:
    headers = {**(await person())["headers"], "Idempotency-Key": key}
    assert (await client.patch("/api/me", json={"name": "x"}, headers=headers)).status_code == 422


# Brute force


async def test_brute_force_is_limited_in_every_spelling(client: httpx.AsyncClient, person: Person) -> None:
    await person(name="alice")
    spellings = ["alice@example.test", "ALICE@EXAMPLE.TEST", " Alice@example.test", "alice@EXAMPLE.test"]
    statuses = [
        (
            await client.post(
                "/api/login",
                json={"email": spellings[number % 4], "password": "wrong password"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            )
        )
        for number in range(14)
    ]
    assert [response.status_code for response in statuses] == [401] * 10 + [429] * 4
    assert 1 <= int(statuses[-1].headers["retry-after"]) <= 60


async def test_a_stolen_session_guesses_passwords_no_faster(client: httpx.AsyncClient, person: Person) -> None:
    headers = (await person())["headers"]
    body = {"password": "another password", "old_password": "wrong password"}
    statuses = [(await client.patch("/api/me", json=body, headers=headers)).status_code for _ in range(12)]
    assert statuses == [422] * 10 + [429] * 2


async def test_redis_contains_neither_token_nor_email(client: httpx.AsyncClient, person: Person, settings: Settings) -> None:
    alice = await person(name="alice")
    await client.post("/api/login", json={"email": alice["email"], "password": "wrong password"})
    with redis.Redis.from_url(settings.redis_url, decode_responses=True) as client_:
        stored = " ".join(f"{key} {client_.get(key)}" for key in client_.scan_iter())
    assert "log-in" in stored
    for secret in ("alice", "example.test", alice["token"], "127.0.0.1"):
        assert secret not in stored


async def test_the_log_contains_neither_token_nor_email(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await client.post("/api/signup", json=ALICE)
    token = (await client.post("/api/login", json={"email": ALICE["email"], "password": PASSWORD})).json()["access_token"]
    await client.post("/api/signup", json=ALICE)
    await client.get("/api/me")
    assert caplog.text, "something was logged"
    for secret in (token, "alice@", "Alice@", PASSWORD):
        assert secret not in caplog.text
