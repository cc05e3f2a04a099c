"""Processes of Seatledger for tests, forked from one that has imported the modules: a start takes a tenth of the CPU.

They run what `python -m` runs, in an environment of their own. How users start Seatledger is tested in tests/devstack.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Imported once a test process. Not the `__main__` modules: each process runs its own.
PRELOADED = ["app.main", "app.fast_path.protocol", "uvicorn.loops.uvloop", "workers.app", "workers.scheduler", "celery.bin.worker"]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(PRELOADED)


class ForkedProcess:
    """`python -m` with these words, started. Its methods are those of `subprocess.Popen`."""

    def __init__(self, words: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.args = words
        self._process = _forks.Process(target=_run, args=(words, dict(environment)), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; negative: the signal that ended it. Raises TimeoutExpired."""
        self._process.join(timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(words: tuple[str, ...], environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
