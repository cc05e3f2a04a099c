"""python -m accounts"""

import io
from pathlib import Path

import psycopg
import pytest

from accounts.__main__ import main
from accounts.passwords import HASHER

ALICE = ["--email", "Alice@example.test", "--password-stdin"]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    types(monkeypatch, "a password")


def types(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))


def password_hash(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT password_hash FROM accounts WHERE email = 'alice@example.test' AND role = 'admin'"
        ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.usefixtures("run")
def test_create_admin_and_reset_password_work(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["create-admin", "--name", "Alice", *ALICE]) == 0
    assert HASHER.verify(password_hash(database_url), "a password")
    types(monkeypatch, "another password")
    assert main(["reset-password", *ALICE]) == 0
    assert HASHER.verify(password_hash(database_url), "another password")
    assert "password" not in capsys.readouterr().out.replace("has a new password", "")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("arguments", "password", "sentence"),
    [
        (["create-admin", "--name", "A", "--email", "nonsense", "--password-stdin"], "a password", "e-mail address"),
        (["create-admin", "--name", "\x1b", *ALICE], "a password", "name"),
        (["create-admin", "--name", "A", *ALICE], "short", "password"),
        (["create-admin", "--name", "A", *ALICE], "\udcff" * 10, "password"),
        (["reset-password", *ALICE], "a password", "no account"),
    ],
)
def test_a_refusal_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], password: str, sentence: str
) -> None:
    types(monkeypatch, password)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("run")
def test_creating_an_admin_twice_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create-admin", "--name", "Alice", *ALICE]) == 0
    types(monkeypatch, "a password")
    assert main(["create-admin", "--name", "Alice", *ALICE]) == 1
    assert "already" in capsys.readouterr().err


@pytest.mark.usefixtures("run")
def test_two_different_passwords_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed = iter(["a password", "b password"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert main(["create-admin", "--name", "Alice", "--email", "alice@example.test"]) == 1
    assert "differ" in capsys.readouterr().err


@pytest.mark.usefixtures("run")
def test_the_database_of_make_run_is_found(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL")
    (tmp_path / "database_url").write_text(database_url)
    assert main(["create-admin", "--name", "Alice", *ALICE]) == 0


@pytest.mark.usefixtures("run")
def test_a_missing_database_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for url, sentence in (("", "make run"), ("postgresql://127.0.0.1:1/x", "can't be reached")):
        monkeypatch.setenv("DATABASE_URL", url)
        types(monkeypatch, "a password")
        assert main(["reset-password", *ALICE]) == 1
        assert sentence in capsys.readouterr().err


def test_a_database_without_migrations_is_one_sentence(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    types(monkeypatch, "a password")
    assert main(["create-admin", "--name", "Alice", *ALICE]) == 1
    assert "migrations upgrade" in capsys.readouterr().err
