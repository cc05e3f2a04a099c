"""Keeps processes running. One that ends by itself starts again after a pause, or ends all if nothing works without it.

The pause begins at a second, doubles up to half a minute, and begins anew after a minute without an end. It never gives up: a
process that ends again and again says so at each start, and the others go on.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

#: What is looked at this often; nobody notices a tenth of a second.
_LOOK_SECONDS = 0.1
#: Between the request to end and the order.
_END_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """A process to keep. `essential`: its end ends all."""

    name: str
    command: list[str]
    essential: bool = False


@dataclass(frozen=True, kw_only=True)
class Pauses:
    first_seconds: float = 1.0
    longest_seconds: float = 30.0
    stable_seconds: float = 60.0

    def seconds(self, ends: int) -> float:
        """Before the start after so many ends in a row, at least one."""
        return float(min(self.first_seconds * 2 ** min(ends - 1, 16), self.longest_seconds))


class Supervisor:
    """`run` must be called in the main thread: the processes die with the thread that started them."""

    def __init__(
        self, parts: Iterable[Part], *, environment: Mapping[str, str], output: TextIO, pauses: Pauses | None = None
    ) -> None:
        self._kept = [_Kept(part) for part in parts]
        self._environment, self._output, self._pauses = environment, output, pauses or Pauses()
        self._width = max(len(name) for name in ("system", *(kept.part.name for kept in self._kept)))
        self._stopping = False

    def stop(self) -> None:
        """Makes `run` return. For signal handlers and other threads."""
        self._stopping = True

    def run(self) -> str | None:
        """Until `stop`; or until an essential part ended: returns which, and how. Nothing runs any more then."""
        try:
            while not self._stopping:
                for kept in self._kept:
                    if reason := self._look(kept):
                        return reason
                time.sleep(_LOOK_SECONDS)
            return None
        finally:
            self._end_all()

    def _look(self, kept: "_Kept") -> str | None:
        if kept.process is None:
            if time.monotonic() < kept.due:
                return None
            end = self._start(kept)
        else:
            end = _end(kept.process)
        if end is None:
            return None
        if kept.part.essential:
            return f"{kept.part.name} ended by itself ({end})"
        self._schedule(kept, end)
        return None

    def _start(self, kept: "_Kept") -> str | None:
        """Returns why it could not be started, or None."""
        kept.started = time.monotonic()
        try:
            kept.process = subprocess.Popen(
                [*_dying_with_us(), *kept.part.command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal reaches us alone
            )
        except OSError as error:
            return f"it does not start: {error.strerror}"
        kept.reader = threading.Thread(target=self._read, args=(kept.part.name, kept.process), daemon=True)
        kept.reader.start()
        return None

    def _schedule(self, kept: "_Kept", end: str) -> None:
        lasted = time.monotonic() - kept.started
        kept.ends = 1 if lasted >= self._pauses.stable_seconds else kept.ends + 1
        pause = self._pauses.seconds(kept.ends)
        kept.process, kept.due = None, time.monotonic() + pause
        again = f", {kept.ends} times in a row" if kept.ends > 1 else ""
        self._say("system", f"{kept.part.name} ended by itself ({end}){again}: it starts again in {pause:g} s")

    def _read(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._say(name, line.decode(errors="replace").rstrip("\r\n"))

    def _say(self, name: str, line: str) -> None:
        # In one piece: lines of several threads are not to be mixed.
        self._output.write(f"{datetime.now():%H:%M:%S} {name:<{self._width}} | {line}\n")  # noqa: DTZ005 (the time of the terminal)
        self._output.flush()

    def _end_all(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            running = [kept.process for kept in self._kept if kept.process is not None and kept.process.poll() is None]
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            deadline = time.monotonic() + _END_SECONDS
            for process in running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline - time.monotonic(), 0))
        for kept in self._kept:
            if kept.reader is not None:
                kept.reader.join(1)


@dataclass
class _Kept:
    part: Part
    process: "subprocess.Popen[bytes] | None" = None
    reader: threading.Thread | None = None
    started: float = 0.0
    due: float = field(default=0.0)
    ends: int = 0


def _end(process: "subprocess.Popen[bytes]") -> str | None:
    """How it ended; None while it runs."""
    status = process.poll()
    if status is None:
        return None
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name


def _dying_with_us() -> list[str]:
    """What a command starts with where there is util-linux: it is killed when we are."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
