"""The machine: checks what a run needs, and describes it for the results."""

import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import psutil

_SERVING = ("fastapi", "uvicorn", "uvloop", "httptools", "pydantic", "msgspec")
_STORING = ("psycopg", "asyncpg", "sqlalchemy", "celery", "eventsourcing")
_MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


class BenchError(Exception):
    """The benchmarks can't start or continue. The message is one sentence for the terminal."""


def check(directory: Path, need_bytes: int) -> None:
    """Raises BenchError that names what is missing."""
    find_wrk()
    free = shutil.disk_usage(directory).free
    if free < need_bytes:
        raise BenchError(
            f"{directory} has {free / 1e9:.1f} GB free and the benchmarks need {need_bytes / 1e9:.0f}: set TMPDIR to another disk."
        )
    kind = file_system(directory)
    if kind in _MEMORY_FILE_SYSTEMS:
        raise BenchError(f"{directory} is in memory ({kind}), where syncing costs nothing: set TMPDIR to a directory on a disk.")


def find_wrk() -> str:
    path = shutil.which("wrk")
    if path is None:
        raise BenchError("wrk is missing: install it (Debian: apt-get install wrk).")
    return path


def has_async_orm() -> bool:
    """SQLAlchemy's async ORM needs greenlet, which SQLAlchemy does not install by itself."""
    return find_spec("greenlet") is not None


def file_system(directory: Path) -> str:
    """The type of the file system that contains the directory."""
    above = [part for part in psutil.disk_partitions(all=True) if directory.resolve().is_relative_to(part.mountpoint)]
    return max(above, key=lambda part: len(part.mountpoint)).fstype if above else "unknown"


def facts(directory: Path) -> dict[str, Any]:
    return {
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
            "system": platform.platform(),
            "disk": f"{file_system(directory)} with a sync of 8 KiB in {_sync_ms(directory):.2f} ms",
        },
        "versions": {
            "Python": platform.python_version(),
            "wrk": _wrk_version(),
            **{name: version(name) for name in (*_SERVING, *_STORING)},
        },
        "load average before it began": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _sync_ms(directory: Path) -> float:
    """The median time of a sync, which each commit waits for."""
    took = []
    path = directory / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(bytes(8192))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return median(took)


def _wrk_version() -> str:
    stdout = subprocess.run([find_wrk(), "--version"], capture_output=True, text=True, check=False).stdout
    return stdout.split()[1] if len(stdout.split()) > 1 else "unknown"
