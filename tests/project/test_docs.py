"""The documentation for users: generated tables match the code, and the README links to all pages."""

from dataclasses import fields
from pathlib import Path

import pytest

from app.main import bootstrap
from ledger.settings import Settings
from scripts import reference

ROOT = Path(__file__).parent.parent.parent
PATHS = bootstrap(Settings(database_url="postgresql:///none", redis_url="redis:///0")).openapi()["paths"]


@pytest.mark.parametrize("name", reference.PAGES)
def test_reference_tables_match_the_code(name: str) -> None:
    text = (ROOT / "docs" / name).read_text()
    assert reference.filled(text) == text, "run `make reference`"


def test_every_route_and_setting_is_in_a_table() -> None:
    routes, settings = ((ROOT / "docs" / name).read_text() for name in ("api.md", "settings.md"))
    for path, operations in PATHS.items():
        for method, operation in operations.items():
            assert f"| `{method.upper()} {path}` | " in routes
            assert operation.get("description"), f"{method} {path} has no docstring"
    for setting in fields(Settings):
        assert f"| `{setting.name.upper()}` | " in settings


@pytest.mark.parametrize(
    ("heading", "says"),
    [
        ("# Seatledger", "make setup "), ("# Seatledger", "make run "), ("How it works", "ARCHITECTURE.md"),
        ("What is where", "docs/tutorial.md"), ("What is where", "docs/api.md"), ("What is where", "docs/settings.md"),
        ("What is where", "docs/operations.md"), ("What is where", "docs/decisions/README.md"),
        ("Design decisions, in short", "ledger"), ("Assumptions, trade-offs, known limits", "payment is taken elsewhere"),
        ("Tests and measurements", "make test"),
    ],
)  # fmt: skip
def test_readme_links_from_installation_to_limits(heading: str, says: str) -> None:
    sections = (ROOT / "README.md").read_text().split("\n## ")
    (section,) = (section for section in sections if section.startswith(f"{heading}\n"))
    assert says in section


def test_tutorial_requests_work() -> None:
    assert "/api/events/$EVENT/bookings" in (ROOT / "docs" / "tutorial.md").read_text()


def test_routes_in_docker_and_nginx_files_exist() -> None:
    assert {"/ready", "/health", "/metrics", "/api/live", "/api/events/{event_id}"} <= set(PATHS)
