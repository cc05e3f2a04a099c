"""Processes of Seatledger for tests, forked from one that has imported the modules: a start takes a third of the CPU.

They run what `python -m` runs, in an environment of their own. How users start Seatledger is tested in tests/devstack.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Imported once a test process. Not the `__main__` modules: each process runs its own.
PRELOADED = [
    "app.main", "app.fast_path.protocol", "uvicorn.loops.uvloop", "workers.app", "workers.poller", "workers.tick", "workers.health",
    "celery.bin.worker", "projections.proof.transfer", "projections.proof.verify", "projections.rebuild.rebuilder",
    "seed.demo", "tqdm",
]  # fmt: skip

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(PRELOADED)


class ForkedProcess:
    """`python -m` with these words, started. Its methods are those of `subprocess.Popen`. `output`: a directory for the files
    `stdout` and `stderr`, or one end of a pipe for both, instead of ours."""

    def __init__(self, words: tuple[str, ...], environment: Mapping[str, str], output: Path | Connection | None = None) -> None:
        self.args = words
        self._process = _forks.Process(target=_run, args=(words, dict(environment), output), daemon=True)
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


AnyProcess = ForkedProcess | subprocess.Popen[bytes]


def run(words: tuple[str, ...], environment: Mapping[str, str], timeout: float = 60) -> "subprocess.CompletedProcess[str]":
    """Like `subprocess.run` of `python -m` with these words, with captured output. Raises TimeoutExpired."""
    with tempfile.TemporaryDirectory() as name:
        process = ForkedProcess(words, environment, Path(name))
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        stdout, stderr = ((Path(name) / stream).read_text() for stream in ("stdout", "stderr"))
    return subprocess.CompletedProcess(words, status, stdout, stderr)


def _run(words: tuple[str, ...], environment: dict[str, str], output: Path | Connection | None) -> None:
    if isinstance(output, Connection):
        for number in (1, 2):
            os.dup2(output.fileno(), number)
        output.close()
    elif output is not None:
        for number, stream in ((1, "stdout"), (2, "stderr")):
            with (output / stream).open("wb") as file:
                os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
