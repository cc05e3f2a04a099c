"""Each response names its request: by the id that the client sent, if that is harmless, or by one of our own."""

import httpx
import pytest
from starlette.routing import Route

from app.main import bootstrap
from ledger.settings import Settings
from tests.running_system import Person, Stack, tickets

HEADER = "X-Request-Id"


@pytest.fixture
def paths(stack: Stack, organizer: Person) -> list[tuple[str, str]]:
    """Requests on the fast path, through the framework, to one of the five specifications, to the page, to nothing."""
    id_ = stack.event(organizer)["id"]
    return [
        ("POST", f"/api/events/{id_}/bookings"), ("POST", f"/api/events/{id_.upper()}/bookings"), ("GET", f"/api/events/{id_}"),
        ("GET", "/compat/event-booking/events/"), ("GET", "/"), ("GET", "/api/nothing"), ("GET", "/health"),
    ]  # fmt: skip


def test_id_of_the_client_is_returned_everywhere(paths: list[tuple[str, str]], alice: Person) -> None:
    for method, path in paths:
        given = "Root=1-67891233-abcdef012345678912345678"
        response = alice.do(method, path, tickets() if method == "POST" else None, X_Request_Id=given)
        assert response.headers.get_list(HEADER) == [given], path


def test_ids_of_our_own_differ(paths: list[tuple[str, str]], alice: Person) -> None:
    ids = [alice.do(method, path, tickets() if method == "POST" else None).headers[HEADER] for method, path in paths * 2]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("given", ["", "a" * 129, "me@example.test", "a b", 'a"b', "a;b", "ä", "<b>", "a\tb"])
def test_id_that_is_not_harmless_is_replaced(given: str, paths: list[tuple[str, str]], stack: Stack) -> None:
    for method, path in paths:
        response = stack.http.request(method, path, headers=[(HEADER.encode(), given.encode("latin-1"))])
        assert response.headers[HEADER] not in ("", given)
        assert "@" not in response.headers[HEADER]


def test_problem_names_its_request(paths: list[tuple[str, str]], stack: Stack) -> None:
    for method, path in (*paths[:2], ("GET", "/api/nothing"), ("GET", "/api/me"), ("POST", "/api/login")):
        response = stack.http.request(method, path)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers[HEADER]


def test_errors_of_the_five_specifications_stay_as_they_are(stack: Stack) -> None:
    response = stack.http.get("/compat/event-booking/events/999999999")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}
    assert response.headers[HEADER]


@pytest.mark.parametrize("specification", ["", "event-booking"])
async def test_internal_error_names_its_request_and_has_the_security_headers(specification: str) -> None:
    async def fail(_: object) -> None:
        raise RuntimeError("a mistake")

    app = bootstrap(Settings(database_url="postgresql:", redis_url="redis:", specification=specification))
    app.router.routes.insert(0, Route("/fail", fail))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        response = await client.get("/fail", headers={HEADER: "mine"})
    assert (response.status_code, response.headers[HEADER]) == (500, "mine")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert specification or response.json()["request_id"] == "mine"
    [metrics] = app.state.observer.routes
    assert dict(metrics.statuses) == {500: 1}
