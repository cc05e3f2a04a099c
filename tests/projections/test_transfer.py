"""Export and import of the ledger, and the other commands of `python -m projections`."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from ledger.macs import Macs
from ledger.mapper import encode
from ledger.store import Ledger
from projections.engine import ProjectionStalled, catch_up
from projections.proof.checkpoints import CheckpointSigner
from projections.registry import PROJECTORS
from tests import forked_processes
from tests.conftest import PostgresServer
from tests.ledger import storage
from tests.own_servers import runtime_url
from tests.projections.stories import Story, rows

ALL = "SELECT notification_id, originator_id, originator_version, topic, state, mac FROM ledger_entries ORDER BY 1"


@pytest.fixture
def another_database_url(postgres_server: PostgresServer, template_database: str) -> Iterator[str]:
    """A migrated database with an empty ledger."""
    name = f"another_{uuid4().hex[:8]}"
    yield postgres_server.create(name, template_database)
    postgres_server.drop(name)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def story(database_url: str, keys: Path) -> Story:
    story = Story(seed=12)
    story.tell(100)
    with closing(Ledger(database_url, Macs.open(keys))) as ledger:
        storage.append(ledger, story.entries[:90])
        with psycopg.connect(database_url) as connection:
            connection.execute("SELECT nextval('ledger_entries_notification_id_seq')")  # a gap, as a rollback leaves it
        storage.append(ledger, story.entries[90:])
    return story


def run_cli(database_url: str, keys: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ, "DATABASE_URL": database_url, "RUNTIME_DATABASE_URL": runtime_url(database_url), "KEYS_DIR": str(keys),
    }  # fmt: skip
    return forked_processes.run(("projections", *map(str, arguments)), environment)


def output_of(process: "subprocess.CompletedProcess[str]") -> str:
    assert process.returncode == 0, process.stderr
    return process.stdout


def stored(database_url: str) -> list[Any]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(ALL).fetchall()


def test_import_restores_the_exported_ledger(
    database_url: str, another_database_url: str, keys: Path, tmp_path: Path, story: Story
) -> None:
    file = tmp_path / "ledger.ndjson"
    root = output_of(run_cli(database_url, keys, "export", file)).rpartition(" ")[2]
    assert len(file.read_text().splitlines()) == len(story.entries) + 1
    assert output_of(run_cli(another_database_url, keys, "import", file)).rpartition(" ")[2] == root
    assert stored(another_database_url) == stored(database_url)
    again = tmp_path / "again.ndjson"
    output_of(run_cli(another_database_url, keys, "export", again))
    assert again.read_bytes() == file.read_bytes()
    with closing(Ledger(another_database_url, Macs.open(keys))) as ledger:
        head = ledger.head()
        assert storage.append(ledger, story.tell(20))[0] == head + 1


def _edited(lines: list[str], number: int, **new: object) -> list[str]:
    return [*lines[:number], json.dumps(json.loads(lines[number]) | new, separators=(",", ":")), *lines[number + 1 :]]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda lines: [], "The file ends after line 0"),
        (lambda lines: lines[:-1], "without saying how many entries it has: it is cut off"),
        (lambda lines: lines[1:], "an entry was altered, added or removed"),
        (lambda lines: [*lines[:3], lines[3].replace(',"mac"', ',"ma"'), *lines[4:]], "Line 4 is not an entry"),
        (lambda lines: _edited(lines, 3, version=77), "Line 4 carries a MAC that no key in KEYS_DIR made for it"),
        (lambda lines: _edited(lines, 3, entry="{}"), "Line 4 carries a MAC that no key in KEYS_DIR made for it"),
        (lambda lines: _edited(lines, 3, position=2**63), "Line 4 is not an entry: Expected `int` <= 9223372036854775807"),
        (lambda lines: _edited(lines, 3, position=1), "Line 4 has position 1, after 3."),
        (lambda lines: _edited(lines, 3, position="x"), "Line 4 is not an entry: Expected `int`, got `str` - at `$.position`."),
        (lambda lines: _edited(lines, 3, mac="xy"), "Line 4 is not an entry: non-hexadecimal number"),
        (lambda lines: [*lines[:4], "\0", *lines[5:]], "Line 5 is not an entry"),
        (lambda lines: [*lines, lines[0]], "which should be the last."),
        (lambda lines: [*lines[:4], "x" * 2_000_000], "Line 5 is cut off or longer than"),
        (lambda lines: [*lines[:4], '{"entries":'], "Line 5 is not a valid end"),
    ],
)
def test_invalid_file_is_not_imported(
    database_url: str, another_database_url: str, keys: Path, tmp_path: Path, story: Story, damage: Any, sentence: str
) -> None:
    file = tmp_path / "ledger.ndjson"
    output_of(run_cli(database_url, keys, "export", file))
    file.write_text("".join(f"{line}\n" for line in damage(file.read_text().splitlines())))
    done = run_cli(another_database_url, keys, "import", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert stored(another_database_url) == []


def test_import_into_a_ledger_with_entries_is_refused(database_url: str, keys: Path, tmp_path: Path, story: Story) -> None:
    file = tmp_path / "ledger.ndjson"
    output_of(run_cli(database_url, keys, "export", file))
    done = run_cli(database_url, keys, "import", file)
    assert (done.returncode, done.stderr) == (1, "The ledger is not empty: a file can be imported into an empty one only.\n")
    missing = run_cli(database_url, keys, "import", tmp_path / "nothing")
    assert (missing.returncode, missing.stderr) == (1, f"{tmp_path / 'nothing'}: No such file or directory.\n")


def test_verify_finds_and_rebuild_repairs_an_altered_row(
    database_url: str, keys: Path, tmp_path: Path, story: Story, engine: Engine
) -> None:
    with closing(Ledger(database_url, Macs.open(keys))) as ledger:
        for projector in PROJECTORS.values():
            catch_up(engine, ledger, projector)
        assert CheckpointSigner(keys, ledger, seconds=0).sign(engine) is not None
    before = rows(engine)
    assert f"Proven: {len(story.entries)} entries" in output_of(
        run_cli(database_url, keys, "verify", "--json", tmp_path / "report")
    )
    assert json.loads((tmp_path / "report").read_text())["finding"] is None
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE bookings SET quantity = quantity + 1")
    done = run_cli(database_url, keys, "verify")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Altered. bookings: in the row booking_id " in done.stderr
    assert ", quantity is " in done.stderr
    out = output_of(run_cli(database_url, keys, "rebuild", "all"))
    assert out.count("The served tables were equal.") == len(PROJECTORS) - 1
    assert "The served tables differed: bookings: in the row" in out
    assert rows(engine) == before
    assert output_of(run_cli(database_url, keys, "resume", "bookings")) == "bookings is running: 0 more entries are folded.\n"
    assert "Proven" in output_of(run_cli(database_url, keys, "verify", "--anew"))


def test_entries_without_a_mac_have_to_be_accepted_by_the_operator(
    database_url: str, keys: Path, story: Story, engine: Engine
) -> None:
    """As when psql loads a file into a running system."""

    def project_and_sign() -> None:
        with closing(Ledger(database_url, Macs.open(keys))) as ledger:
            for projector in PROJECTORS.values():
                catch_up(engine, ledger, projector)
            assert CheckpointSigner(keys, ledger, seconds=0).sign(engine) is not None

    project_and_sign()
    scheduled = story.entries[0].entry
    with psycopg.connect(database_url) as connection:
        append = "SELECT ledger_append(ARRAY[gen_random_uuid()], ARRAY[1::bigint], ARRAY[%s], ARRAY[%s::bytea])"
        connection.execute(append, ("event-scheduled/1", encode(scheduled)))
    with pytest.raises(ProjectionStalled, match="no valid MAC"):
        project_and_sign()
    assert "carries no MAC" in run_cli(database_url, keys, "verify").stderr
    assert output_of(run_cli(database_url, keys, "accept", "--yes")).startswith(
        f"The first {len(story.entries) + 1} entries are accepted"
    )
    project_and_sign()
    for name in ("bookings", "availability", "revenue", "catalogue"):
        run_cli(database_url, keys, "resume", name)
    assert "Proven" in output_of(run_cli(database_url, keys, "verify"))


@pytest.mark.parametrize("arguments", [[], ["--help"], ["verify", "--help"], ["rebuild", "everything"]])
def test_cli_prints_its_usage(database_url: str, keys: Path, arguments: list[str]) -> None:
    done = run_cli(database_url, keys, *arguments)
    assert done.returncode == (0 if "--help" in arguments else 2)
    assert "usage: python -m projections" in done.stdout + done.stderr


def test_cli_without_a_database_says_so(keys: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"DATA_DIR": str(tmp_path)}
    done = forked_processes.run(("projections", "verify"), environment)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "There is no database" in done.stderr
