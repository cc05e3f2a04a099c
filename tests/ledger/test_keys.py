"""Keys are created once, by whichever process is first, and never changed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ledger.keys import Keyring, KeysError

ROOT = Path(__file__).parents[2]
OPEN = """
import sys, pathlib, ledger.keys
print(ledger.keys.Keyring.open(pathlib.Path(sys.argv[1]), "tickets").newest[1].hex())
"""


def test_the_first_start_creates_a_key_that_later_starts_use(tmp_path: Path) -> None:
    first = Keyring.open(tmp_path / "keys", "tickets")
    assert first.newest == Keyring.open(tmp_path / "keys", "tickets").newest
    assert (first.newest[0], len(first.newest[1])) == (1, 32)
    assert first.newest[1] != Keyring.open(tmp_path / "other", "tickets").newest[1]


def test_a_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "keys", "tickets")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert [(path.name, path.stat().st_mode & 0o777) for path in (tmp_path / "keys").iterdir()] == [("tickets.1", 0o600)]


def test_processes_that_start_together_use_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path / "keys")]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.communicate(timeout=30)[0] for process in started} - {""}) == 1
    assert [process.returncode for process in started] == [0, 0, 0]


def test_processes_with_the_same_pid_in_containers_use_one_key(tmp_path: Path) -> None:
    """Threads share a process id, like the first processes of containers."""
    start = Barrier(4)

    def first_start(directory: Path) -> bytes:
        start.wait()
        return Keyring.open(directory, "tickets").newest[1]

    with ThreadPoolExecutor(4) as pool:
        for attempt in range(40):
            keys = set(pool.map(first_start, [tmp_path / str(attempt)] * 4))
            assert keys == {Keyring.open(tmp_path / str(attempt), "tickets").newest[1]}


def test_the_newest_key_signs_and_all_of_them_verify(tmp_path: Path) -> None:
    Keyring.open(tmp_path, "tickets")
    (tmp_path / "tickets.10").write_bytes(b"b" * 32)
    (tmp_path / "tickets.9").write_bytes(b"a" * 32)
    keys = Keyring.open(tmp_path, "tickets")
    assert keys.newest == (10, b"b" * 32)
    assert keys.get(9) == b"a" * 32
    assert keys.get(1) is not None
    assert keys.get(2) is None


@pytest.mark.parametrize("name", ["tickets.0", "tickets.256", "tickets.x", "tickets.2.bak", "checkpoints.7"])
def test_other_files_are_ignored(tmp_path: Path, name: str) -> None:
    Keyring.open(tmp_path, "tickets")
    (tmp_path / name).write_bytes(b"x" * 32)
    assert Keyring.open(tmp_path, "tickets").newest[0] == 1


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_damaged_key_stops_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tickets.1").write_bytes(content)
    with pytest.raises(KeysError, match="restore it from your backup"):
        Keyring.open(tmp_path, "tickets")


def test_a_directory_that_can_t_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(KeysError, match="can't be used"):
        Keyring.open(tmp_path / "keys", "tickets")
