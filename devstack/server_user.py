"""As which user the servers of `make run` run, and what that user may enter. The standard library alone.

An ordinary user runs them as himself. PostgreSQL refuses root, so root runs them as `nobody`, in a group that nobody else is in:
directories of that group are closed to other processes of `nobody` (docs/decisions/0022).
"""

import os
import pwd
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

USER = "nobody"
#: Of no account: Debian reserves 65000 to 65533, systemd leaves 65520 to 65533 unused. Containers map all numbers below 65536.
GROUP_ID = 65_529


class ServerError(Exception):
    """A server of our own that can't run: one sentence, for the terminal."""


class Identity(TypedDict, total=False):
    """What `subprocess` is told."""

    user: int
    group: int
    extra_groups: list[int]


@cache
def server_identity() -> Identity:
    """For `subprocess`: run as the servers' user. Empty: he is ourselves. Raises ServerError."""
    if os.geteuid() != 0:
        return {}
    remedy = "run Seatledger as an ordinary user"
    try:
        user = pwd.getpwnam(USER).pw_uid
    except KeyError:
        raise ServerError(f"PostgreSQL refuses root, and there is no user {USER} here to run it as: {remedy}.") from None
    chosen = Identity(user=user, group=GROUP_ID, extra_groups=[])
    try:
        subprocess.run(["true"], check=True, env=_with_system_path(), **chosen)  # noqa: S607 (of coreutils, wherever they are)
    except (OSError, subprocess.CalledProcessError):
        raise ServerError(f"PostgreSQL refuses root, and root may not become another user here: {remedy}.") from None
    return chosen


def run_as_server(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a short command, whatever its outcome: root without the capability to override modes can't read the servers' files."""
    options: dict[str, Any] = {"env": _with_system_path(), **server_identity()}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False, **options)


def _with_system_path() -> dict[str, str]:
    """The servers' user may not be able to enter the folders of our PATH."""
    return {**os.environ, "PATH": f"{os.defpath}:{os.environ.get('PATH', '')}"}


def remove_tree(directory: Path) -> None:
    """Whoever of the two its files belong to."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        run_as_server("rm", "-rf", directory)


def make_data_directory(directory: Path) -> None:
    """DATA_DIR, closed to others, and the servers may pass through it. One that is there keeps the modes that it was given."""
    if directory.is_dir():
        return
    directory.mkdir(parents=True)
    grant_access(directory, writable=False)


def grant_access(directory: Path, *, writable: bool = True) -> None:
    """Closes it to all but ourselves and the servers, which may write there, or pass through alone."""
    if identity := server_identity():
        os.chown(directory, 0, identity["group"])
    directory.chmod((0o770 if writable else 0o710) if identity else 0o700)


def check_owner(directory: Path) -> None:
    """Raises ServerError for root at an ordinary user's data: he could not use them any more."""
    identity = server_identity()
    if identity and directory.exists() and (owner := directory.stat().st_uid) not in (0, identity["user"]):
        raise ServerError(
            f"The directory {directory} belongs to user {owner}: run Seatledger as that user, or set DATA_DIR to another."
        )


def can_enter(directory: Path) -> bool:
    """Can the servers' user reach it and write there? Tried as him: modes, mounts and capabilities are too many to reckon."""
    test = 'test -w "$1" && cd "$1"'
    return not server_identity() or run_as_server("sh", "-c", test, "sh", directory).returncode == 0
