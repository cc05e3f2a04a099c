"""Each of the five APIs has its own document and pages, with the paths of its specification; none is mounted without a setting."""

import re
from typing import Any

import httpx
import pytest
from starlette.routing import Mount

from app.main import bootstrap
from compat.registry import APPLICATIONS
from ledger.settings import COMPAT_APIS, Settings, SettingsError
from tests.running_system import Stack

#: Method and address, as the specifications write them. Number 5 has two tables.
ADDRESSES = {
    "event-booking": """
        POST /events/ · GET /events/ · GET /events/{event_id} · POST /events/{event_id}/book · DELETE /bookings/{booking_id}""",
    "event-ticketing": """
        GET /api/events · GET /api/events/{id} · POST /api/events · PUT /api/events/{id} · POST /api/bookings ·
        GET /api/bookings/user/{id} · GET /api/bookings/event/{id} · PUT /api/bookings/{id} · GET /api/users · POST /api/users""",
    "ticketing-platform": """
        POST /events · POST /events/{event_id}/bookings · DELETE /bookings/{booking_id} · GET /events/{event_id} ·
        GET /bookings/{booking_id} · GET /health""",
    "event-management": "POST /events · GET /events · POST /events/{event_id}/book",
    "event-reservations": """
        POST /api/signup/ · POST /api/login/ · GET /api/events/ · POST /api/events/ · GET /api/events/{id}/ ·
        PUT /api/events/{id}/ · PATCH /api/events/{id}/ · DELETE /api/events/{id}/ · GET /api/events/{id}/reservations/ ·
        GET /api/reservations/ · POST /api/reservations/ · DELETE /api/reservations/{id}/ ·
        POST /api/authentication/signup/ · POST /api/authentication/login/ · POST /api/event/events/ ·
        GET /api/event/events/{id}/ · PUT /api/event/events/{id}/ · PATCH /api/event/events/{id}/ ·
        DELETE /api/event/events/{id}/ · GET /api/event/events/{id}/total-reservations/ ·
        GET /api/reservation/reservations/ · POST /api/reservation/reservations/ ·
        GET /api/reservation/reservations/{id}/ · DELETE /api/reservation/reservations/{id}/""",
}
PAGES = [(api, page) for api in COMPAT_APIS for page in ("/docs", "/redoc")] + [("event-reservations", "/docs/swagger/")]


def _document(stack: Stack, api: str) -> Any:
    return stack.http.get(f"/compat/{api}/openapi.json").json()


def _addresses(document: Any) -> set[str]:
    return {f"{method.upper()} {_shape(path)}" for path, operations in document["paths"].items() for method in operations}


def _shape(path: str) -> str:
    return "/".join("{}" if step.startswith("{") else step for step in path.split("/"))


@pytest.mark.parametrize("api", COMPAT_APIS)
def test_every_path_of_the_specification_is_in_its_document(api: str, stack: Stack) -> None:
    named = {_shape(" ".join(operation.split())) for operation in ADDRESSES[api].split("·")}
    named = {f"{operation.split(' ')[0]} {_shape(operation.split(' ')[1])}" for operation in named}
    assert named <= _addresses(_document(stack, api))


@pytest.mark.parametrize("api", COMPAT_APIS)
def test_document_describes_error_responses(api: str, stack: Stack) -> None:
    document = _document(stack, api)
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "422" not in operation["responses"]
            schema = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
            assert ("additionalProperties" if api == "event-reservations" else "properties") in schema


@pytest.mark.parametrize("api", COMPAT_APIS)
def test_operation_ids_are_unique(api: str, stack: Stack) -> None:
    paths = _document(stack, api)["paths"].values()
    ids = [operation["operationId"] for operations in paths for operation in operations.values()]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("api", COMPAT_APIS)
def test_document_names_its_mount_path(api: str, stack: Stack) -> None:
    document = _document(stack, api)
    assert document["openapi"].startswith("3.")
    for host in ("127.0.0.1", "localhost"):
        url = f"http://{host}:{stack.settings.port}/compat/{api}"
        assert httpx.get(f"{url}/openapi.json").json()["servers"] == [{"url": f"/compat/{api}"}]
    settings = Settings(database_url="postgresql:///none", redis_url="redis:///0", public_url="https://seats.example")
    assert APPLICATIONS[api](settings).openapi()["servers"] == [{"url": f"https://seats.example/compat/{api}"}]


def test_reservations_token_is_a_header_in_the_document(stack: Stack) -> None:
    document = _document(stack, "event-reservations")
    scheme = document["components"]["securitySchemes"]["Token"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")
    assert document["paths"]["/api/reservations/"]["post"]["security"] == [{"Token": []}]
    assert "security" not in document["paths"]["/api/events/"]["get"]


@pytest.mark.parametrize(("api", "page"), PAGES)
def test_documentation_pages_exist(api: str, page: str, stack: Stack) -> None:
    response = stack.http.get(f"/compat/{api}{page}")
    assert response.status_code == 200
    assert f"/compat/{api}/openapi.json" in response.text
    assert "://" not in response.text.replace("http://www.w3.org", "")
    assert "default-src 'self'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("at", ["", *(f"/compat/{api}" for api in COMPAT_APIS)])
def test_documentation_pages_load_no_image_from_other_hosts(at: str, stack: Stack) -> None:
    page = stack.http.get(f"{at}/redoc").text
    (script,) = re.findall(r'<script src="([^"]+)"', page)
    loaded = stack.http.get(script)
    assert (loaded.status_code, loaded.headers["content-type"].split(";")[0]) == (200, "text/javascript")
    assert not re.findall(r'src:\s*"https?://', loaded.text)
    assert "cdn.redoc" not in loaded.text


def test_compat_apis_are_mounted_only_in_a_demo_or_by_name() -> None:
    def mounted(asked: str, *, demo: bool = False) -> list[str]:
        app = bootstrap(Settings(database_url="postgresql:///none", redis_url="redis:///0", compat_apis=asked, demo=demo))
        return [route.path for route in app.routes if isinstance(route, Mount) and route.path.startswith("/compat")]

    assert mounted("") == []
    assert mounted("event-management, event-booking") == ["/compat/event-booking", "/compat/event-management"]
    assert mounted("all") == mounted("", demo=True) == [f"/compat/{name}" for name in COMPAT_APIS]
    assert mounted("none", demo=True) == []


def test_invalid_compat_names_are_refused() -> None:
    assert tuple(APPLICATIONS) == COMPAT_APIS
    with pytest.raises(SettingsError, match="COMPAT_APIS has 'event-bookings', which is none of event-booking, "):
        Settings(compat_apis="event-booking event-bookings")


@pytest.mark.parametrize("api", COMPAT_APIS)
def test_framework_errors_have_the_specifications_format(api: str, stack: Stack) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("PATCH", "/openapi.json", 405)):
        response = stack.http.request(method, f"/compat/{api}{path}")
        assert (response.status_code, response.json().keys()) == (status, {"detail"})


@pytest.mark.parametrize("api", ["event-booking", "event-management", "ticketing-platform"])
def test_body_over_the_limit_is_refused(api: str, stack: Stack) -> None:
    path = "/events/" if api == "event-booking" else "/events"
    response = stack.http.post(f"/compat/{api}{path}", content=b"{" + b" " * 70_000, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json().keys()) == (413, {"detail"})
    broken = stack.http.post(f"/compat/{api}{path}", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json().keys()) == (422, {"detail"})
