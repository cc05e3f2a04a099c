"""What is known of the request that is being handled, for its log lines: its id, its trace, and what it waited for.

A request has an id from its client (`X-Request-Id`) or of our own, and returns it. With a `traceparent` (W3C Trace Context) it is
part of a trace, whose id is logged too.
"""

import re
import secrets
from collections.abc import Mapping
from contextvars import Context, ContextVar
from itertools import count
from time import perf_counter
from typing import Protocol

#: What a client may choose. No `@`: an e-mail address must not get into the log.
_VALID_ID = re.compile(rb"[A-Za-z0-9._:=+/-]{1,128}").fullmatch
_VALID_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?").fullmatch
#: No other process has this prefix, nor has this one after a restart.
_PREFIX, _numbers = secrets.token_hex(6), count(1)


class Phases(Protocol):
    """A part of handling a request that knows what it waited for."""

    def phases(self) -> Mapping[str, float]:
        """Seconds by name."""

    def facts(self) -> Mapping[str, int]:
        """Other numbers by name."""


class RequestTrace:
    """`problem`: the type of the problem with which it was refused, or "". `command`: the command that it waits for, if any.
    `client`: whose it is, as `client_of` tells, if it may change something and the framework handles it; else ""."""

    __slots__ = ("_seconds", "began_at", "client", "command", "id", "problem", "trace_id")

    def __init__(self, given_id: bytes | None = None, parent: bytes | None = None) -> None:
        """`given_id`, `parent`: the values of `X-Request-Id` and `traceparent`; without effect if they are not valid."""
        self.began_at = perf_counter()
        self.id = given_id.decode() if given_id and _VALID_ID(given_id) else f"{_PREFIX}-{next(_numbers):x}"
        self.trace_id = match[1].decode() if parent and (match := _VALID_PARENT(parent)) else ""
        self.problem = self.client = ""
        self.command: Phases | None = None
        self._seconds: dict[str, float] | None = None

    def add(self, phase: str, seconds: float) -> None:
        """Takes time that the request has spent in a phase, which it may enter several times."""
        if self._seconds is None:
            self._seconds = {}
        self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds

    def phases(self) -> dict[str, float]:
        """Seconds by name."""
        return {**(self._seconds or {}), **(self.command.phases() if self.command is not None else {})}

    def facts(self) -> dict[str, int]:
        """Of the command: its batch."""
        return {} if self.command is None else {**self.command.facts()}


_current: ContextVar[RequestTrace | None] = ContextVar("request_trace", default=None)

#: The trace of the request that is being handled; None: none is.
current_trace = _current.get
#: Begins the trace of the request that this task handles. It ends with the task.
begin_trace = _current.set


def add_phase(name: str, seconds: float) -> None:
    """Of the request that is being handled, if any."""
    trace = _current.get()
    if trace is not None:
        trace.add(name, seconds)


def without_trace(context: Context) -> Context:
    """The context for a task that belongs to no single request."""
    context.run(_current.set, None)
    return context
