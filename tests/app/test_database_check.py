"""The start looks whether the address of the database is PostgreSQL's own; tests/faults has what else it looks for."""

from unittest.mock import Mock

import psycopg
import pytest

from devstack.readiness import free_port
from ledger.database_check import check_database
from ledger.settings import Settings


def test_postgresql_is_accepted(database_url: str) -> None:
    check_database(Settings(database_url=database_url, database_read_url=database_url, allow_unsafe_database=True))


@pytest.mark.parametrize("option", ["-c statement_timeout=100", "-c search_path=public"])
def test_options_of_the_url_are_no_pooler(database_url: str, option: str) -> None:
    separator = "&" if "?" in database_url else "?"
    url = f"{database_url}{separator}options={option.replace(' ', '%20').replace('=', '%3D')}"
    check_database(Settings(database_url=url, allow_unsafe_database=True))


def test_database_that_is_unavailable_is_no_pooler() -> None:
    check_database(Settings(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none", allow_unsafe_database=True))


def test_all_is_asked_on_one_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connect = Mock(wraps=psycopg.connect)
    monkeypatch.setattr(psycopg, "connect", connect)
    check_database(Settings(database_url=database_url, allow_unsafe_database=True))
    assert connect.call_count == 1
    assert "a crash would lose bookings, which ALLOW_UNSAFE_DATABASE permits" in caplog.text
    assert "owns the ledger" in caplog.text
