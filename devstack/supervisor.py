"""Keeps processes running. A process that ends by itself is restarted after a delay; an essential one ends all processes.

The delay starts at a second, doubles up to half a minute, and is reset after a minute of running. The supervisor never gives up: a
process that ends repeatedly is logged at each restart, and the others continue.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from devstack.child_process import ending_with_parent
from ledger.logs import json_line

#: Between two checks of the processes.
_POLL_SECONDS = 0.1
#: Between SIGTERM and SIGKILL.
_TERMINATION_SECONDS = 5.0
#: How long the last lines of a process that ended are read, before what else holds its output is killed.
_OUTPUT_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """A process to keep running. `essential`: if it ends, all are ended. `environment`: what it has beside that of all."""

    name: str
    command: list[str]
    essential: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RestartBackoff:
    """The delays before restarts. `stable_seconds`: a process that ran this long is restarted after `first_seconds` again."""

    first_seconds: float = 1.0
    longest_seconds: float = 30.0
    stable_seconds: float = 60.0

    def delay_seconds(self, exits: int) -> float:
        """The delay before a restart, after `exits` (at least one) exits in a row."""
        return float(min(self.first_seconds * 2 ** min(exits - 1, 16), self.longest_seconds))


class Supervisor:
    """Runs processes. `run` must be called in the main thread: the processes are killed when the thread that started them ends."""

    def __init__(
        self,
        specs: Iterable[ProcessSpec],
        *,
        environment: Mapping[str, str],
        output: TextIO,
        backoff: RestartBackoff | None = None,
        as_json: bool = False,
    ) -> None:
        """`as_json`: each line of the output is a JSON object, as the processes themselves write nearly all of theirs."""
        self._supervised = [_SupervisedProcess(spec) for spec in specs]
        self._environment, self._output, self._backoff = environment, output, backoff or RestartBackoff()
        self._width = max(len(name) for name in ("system", *(supervised.spec.name for supervised in self._supervised)))
        self._stopping, self._as_json = False, as_json

    def stop(self) -> None:
        """Makes `run` return. May be called from signal handlers and other threads."""
        self._stopping = True

    def run(self) -> str | None:
        """Runs the processes until `stop` (returns None) or the exit of an essential one (returns which and why). Ends all."""
        try:
            while not self._stopping:
                for supervised in self._supervised:
                    if reason := self._check(supervised):
                        return reason
                time.sleep(_POLL_SECONDS)
            return None
        finally:
            self._terminate_all()

    def _check(self, supervised: "_SupervisedProcess") -> str | None:
        if supervised.process is None:
            if time.monotonic() < supervised.due_at:
                return None
            exit_reason = self._start(supervised)
        else:
            exit_reason = _exit_reason(supervised.process)
        if exit_reason is None:
            return None
        if supervised.spec.essential:
            return f"{supervised.spec.name} ended by itself ({exit_reason})"
        self._schedule(supervised, exit_reason)
        return None

    def _start(self, supervised: "_SupervisedProcess") -> str | None:
        """Starts the process. Returns why it could not be started, or None."""
        supervised.started_at = time.monotonic()
        try:
            supervised.process = self.popen(supervised.spec, {**self._environment, **supervised.spec.environment})
        except OSError as error:
            return f"it does not start: {error.strerror}"
        supervised.reader = threading.Thread(target=self._read, args=(supervised.spec.name, supervised.process), daemon=True)
        supervised.reader.start()
        return None

    def popen(self, spec: ProcessSpec, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Starts the process, in a group of its own."""
        return subprocess.Popen(
            ending_with_parent(spec.command),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal reaches only us
        )

    def _schedule(self, supervised: "_SupervisedProcess", exit_reason: str) -> None:
        supervised.end_descendants()
        uptime_seconds = time.monotonic() - supervised.started_at
        supervised.exits = 1 if uptime_seconds >= self._backoff.stable_seconds else supervised.exits + 1
        delay_seconds = self._backoff.delay_seconds(supervised.exits)
        supervised.process, supervised.due_at = None, time.monotonic() + delay_seconds
        repeated = f", {supervised.exits} times in a row" if supervised.exits > 1 else ""
        self._print(
            "system", f"{supervised.spec.name} ended by itself ({exit_reason}){repeated}: it starts again in {delay_seconds:g} s"
        )

    def _read(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._print(name, line.decode(errors="replace").rstrip("\r\n"))

    def _print(self, name: str, line: str) -> None:
        if self._as_json:
            text = line if line.startswith("{") else json_line(name, line)
        else:
            text = f"{datetime.now().astimezone():%H:%M:%S} {name:<{self._width}} | {line}"
        self._output.write(f"{text}\n")  # in one call, so that lines of several threads do not mix
        self._output.flush()

    def _terminate_all(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            running = [
                supervised.process
                for supervised in self._supervised
                if supervised.process is not None and supervised.process.poll() is None
            ]
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            deadline = time.monotonic() + _TERMINATION_SECONDS
            for process in running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline - time.monotonic(), 0))
        for supervised in self._supervised:
            supervised.end_descendants()


@dataclass
class _SupervisedProcess:
    spec: ProcessSpec
    process: "subprocess.Popen[bytes] | None" = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    due_at: float = field(default=0.0)
    exits: int = 0

    def end_descendants(self) -> None:
        """After the process ended: it is started again alone. While something holds its output, its group is there, and the number
        of the group is nobody else's."""
        if self.process is None or self.reader is None:
            return
        self.reader.join(_OUTPUT_SECONDS)
        if self.reader.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.reader.join(_TERMINATION_SECONDS)


def _exit_reason(process: "subprocess.Popen[bytes]") -> str | None:
    """How the process ended; None while it runs."""
    status = process.poll()
    if status is None:
        return None
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
