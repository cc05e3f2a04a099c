"""README.md names every setting and every route: what is not written down does not exist for those who use it."""

from dataclasses import fields
from pathlib import Path

import pytest

from app.main import bootstrap
from ledger.settings import Settings

ROOT = Path(__file__).parent.parent.parent
PATHS = bootstrap(Settings(database_url="postgresql:///none", redis_url="redis:///0")).openapi()["paths"]
ROUTES = [(method.upper(), path) for path, operations in PATHS.items() for method in operations]


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", [setting.name.upper() for setting in fields(Settings)])
def test_setting_is_in_the_readme(name: str, readme: str) -> None:
    assert f"`{name}`" in readme


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_route_is_in_the_readme(method: str, path: str, readme: str) -> None:
    """As `GET /api/events`."""
    assert f"`{method} {path}`" in readme


@pytest.mark.parametrize(
    ("heading", "says"),
    [
        ("# Seatledger", "make setup "), ("# Seatledger", "make run "), ("How it works", "docs/decisions/README.md"),
        ("Step by step", "/api/events/$EVENT/bookings"), ("The API", "| route | who |"), ("Design decisions, in short", "ledger"),
        ("Assumptions, trade-offs, known limits", "payment is taken elsewhere"), ("Tests and measurements", "make test"),
    ],
)  # fmt: skip
def test_the_readme_leads_from_installing_to_its_limits(heading: str, says: str, readme: str) -> None:
    (section,) = (one for one in readme.split("\n## ") if one.startswith(f"{heading}\n"))
    assert says in section


def test_the_routes_that_docker_and_nginx_name_exist() -> None:
    assert {"/ready", "/health", "/metrics", "/api/live", "/api/events/{event_id}"} <= set(PATHS)
