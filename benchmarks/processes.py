"""Processes that a run starts. Each is ended by its own id, even after an error."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks import gc_on_signal
from benchmarks.machine import BenchError
from devstack.child_process import ending_with_parent
from devstack.readiness import responds_ok, wait_until

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class Process:
    """A process that we started. `name` is for messages."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name, self._process, self._log = name, process, log

    def check(self) -> None:
        """Raises BenchError if the process ended by itself."""
        if self._process.poll() is not None:
            lines = self._log.read_text(errors="replace").strip().splitlines() or ["its log is empty"]
            raise BenchError(f"{self.name} ended by itself: {lines[-1]}")

    def rss_bytes(self) -> int:
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def child_cpu_seconds(self, last_argument: str) -> float:
        """What the child with this command line has used. Raises BenchError if there is none."""
        for child in psutil.Process(self._process.pid).children():
            if child.cmdline()[-1:] == [last_argument]:
                times = child.cpu_times()
                return float(times.user + times.system)
        raise BenchError(f"{self.name} has no child {last_argument!r}.")

    def collect_garbage(self) -> None:
        """Triggers a full garbage collection in a process that runs under `gc_on_signal`."""
        self._process.send_signal(gc_on_signal.SIGNAL)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def wait_until_exit(self, seconds: float) -> None:
        """Waits until the process ended by itself. Raises BenchError if it fails, or does not end in time."""
        try:
            failed = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name} does not end within {seconds:.0f} s.") from None
        if failed:
            self.check()

    def stop(self, first: signal.Signals = signal.SIGTERM) -> None:
        """Sends `first`, and SIGKILL if the process does not end within STOP_SECONDS."""
        for number in (signal.SIGCONT, first, signal.SIGKILL):
            self._process.send_signal(number)
            if number == signal.SIGCONT:
                continue
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return


@contextmanager
def running_process(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Process]:
    """Runs `python -m …` from this repository until the end of the block, or until we are killed.

    It has a session of its own, so that Ctrl-C reaches only us."""
    arguments = ending_with_parent([sys.executable, *command])
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    running = Process(name, process, log)
    try:
        yield running
    finally:
        running.stop()


def wait_until_responding(process: Process, port: int, path: str) -> None:
    """Raises BenchError if the process ends, or does not respond in time."""

    def responds() -> bool:
        process.check()
        return responds_ok(HOST, port, path)

    if not wait_until(responds, START_SECONDS):
        raise BenchError(f"{process.name} does not respond within {START_SECONDS:.0f} s.")


def clean_environment() -> dict[str, str]:
    """The environment without settings that point to other servers or data."""
    excluded = ("DATABASE_URL", "REDIS_URL", "KEYS_DIR", "DATA_DIR", "PORT", "DEMO", "PUBLIC_URL")
    return {name: value for name, value in os.environ.items() if name not in excluded}
