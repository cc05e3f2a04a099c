"""The start looks whether the address of the database is PostgreSQL's own."""

import pytest

from devstack.readiness import free_port
from ledger.session_check import check_sessions
from ledger.settings import Settings


def test_postgresql_is_accepted(database_url: str) -> None:
    check_sessions(Settings(database_url=database_url, database_read_url=database_url))


@pytest.mark.parametrize("option", ["-c statement_timeout=100", "-c search_path=public"])
def test_options_of_the_url_are_no_pooler(database_url: str, option: str) -> None:
    separator = "&" if "?" in database_url else "?"
    check_sessions(Settings(database_url=f"{database_url}{separator}options={option.replace(' ', '%20').replace('=', '%3D')}"))


def test_database_that_is_unavailable_is_no_pooler() -> None:
    check_sessions(Settings(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none"))
