"""The operating system user of the servers of `make run`, and which directories that user can enter. Standard library only, because
`make clean` runs it without `.venv`.

An ordinary user's servers run as that user. PostgreSQL refuses to run as root, so root's servers run as `nobody`, in a group
without other members: directories of that group are closed to other processes of `nobody` (docs/decisions/0022).
"""

import os
import pwd
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

USER = "nobody"
#: No account has it: Debian reserves 65000 to 65533, systemd leaves 65520 to 65533 unused. Containers map all ids below 65536.
GROUP_ID = 65_529


class ServerError(Exception):
    """A server of our own can't run. The message is one sentence for the terminal."""


class Identity(TypedDict, total=False):
    """Keyword arguments of `subprocess` functions."""

    user: int
    group: int
    extra_groups: list[int]


@cache
def server_identity() -> Identity:
    """Arguments with which `subprocess` runs a program as the servers' user; empty if that is our user. Raises ServerError."""
    if os.geteuid() != 0:
        return {}
    remedy = "run Seatledger as an ordinary user"
    try:
        user = pwd.getpwnam(USER).pw_uid
    except KeyError:
        raise ServerError(f"PostgreSQL refuses root, and there is no user {USER} here to run it as: {remedy}.") from None
    chosen = Identity(user=user, group=GROUP_ID, extra_groups=[])
    try:
        subprocess.run(["true"], check=True, env=_with_system_path(), **chosen)  # noqa: S607 (from coreutils, found by PATH)
    except (OSError, subprocess.CalledProcessError):
        raise ServerError(f"PostgreSQL refuses root, and root may not become another user here: {remedy}.") from None
    return chosen


def run_as_server(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a short command as the servers' user and returns its result, failed or not.

    Needed to read the servers' files, which root without the capability to override file modes can't."""
    options: dict[str, Any] = {"env": _with_system_path(), **server_identity()}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False, **options)


def _with_system_path() -> dict[str, str]:
    """The environment with the system's PATH first: the servers' user may not be able to enter the folders of ours."""
    return {**os.environ, "PATH": f"{os.defpath}:{os.environ.get('PATH', '')}"}


def remove_tree(directory: Path) -> None:
    """Removes a directory whose files belong to us or to the servers' user."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        run_as_server("rm", "-rf", directory)


def make_data_directory(directory: Path) -> None:
    """Creates DATA_DIR, which the servers may traverse and other users can't enter. An existing directory keeps its modes."""
    if directory.is_dir():
        return
    directory.mkdir(parents=True)
    grant_access(directory, writable=False)


def grant_access(directory: Path, *, writable: bool = True) -> None:
    """Closes the directory to other users than ourselves and the servers', who may write to it (`writable`) or only traverse it."""
    if identity := server_identity():
        os.chown(directory, 0, identity["group"])
    directory.chmod((0o770 if writable else 0o710) if identity else 0o700)


def check_owner(directory: Path) -> None:
    """Raises ServerError if root uses an ordinary user's data: that user could not use them afterwards."""
    identity = server_identity()
    if identity and directory.exists() and (owner := directory.stat().st_uid) not in (0, identity["user"]):
        raise ServerError(
            f"The directory {directory} belongs to user {owner}: run Seatledger as that user, or set DATA_DIR to another directory."
        )


def can_enter(directory: Path) -> bool:
    """Whether the servers' user can enter the directory and write to it. Tried as that user, because the outcome depends on modes,
    mounts and capabilities."""
    test = 'test -w "$1" && cd "$1"'
    return not server_identity() or run_as_server("sh", "-c", test, "sh", directory).returncode == 0
