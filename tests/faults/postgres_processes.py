"""The processes of a PostgreSQL server, to end or to freeze all of them as a failing host would."""

import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from devstack.server_process import send_signal
from devstack.server_user import run_as_server


def postgres_processes(data: Path) -> list[psutil.Process]:
    """Those of the server of this data directory, its first one first; none while it does not run."""
    number = run_as_server("head", "-n", "1", data / "postmaster.pid").stdout.strip()
    return [process for process in family(int(number or 0)) if _name(process) == "postgres"]


def family(pid: int) -> list[psutil.Process]:
    """The process and all its children."""
    if not pid:
        return []
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_all(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            send_signal(process, number)


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""
