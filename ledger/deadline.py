"""One deadline for whatever a request waits for in the database: a free connection, a position, each of its statements.

With a time limit for each step a request of four steps would wait four times. So the task that handles a request has a
`RequestDeadline`, and every wait for the database asks `remaining_seconds` how long it may take.
"""

import asyncio
from contextvars import Context, ContextVar, Token, copy_context
from typing import Self

from ledger.request_trace import without_trace


class RequestDeadline:
    """The deadline of a `with` block, and of what it awaits. Its time begins with the first wait, so that a client that sends its
    request slowly does not use it up. A class, since a generator would cost a request twice as much."""

    __slots__ = ("_expires_at", "_is_lifted", "_seconds", "_token")

    _token: Token["RequestDeadline | None"]

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expires_at: float | None = None
        self._is_lifted = False

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)

    def remaining_seconds(self, limit: float) -> float:
        """At most `limit`, and never below 0."""
        if self._is_lifted:
            return limit
        now = asyncio.get_running_loop().time()
        if self._expires_at is None:
            self._expires_at = now + self._seconds
        return max(min(limit, self._expires_at - now), 0.0)

    def lift(self) -> None:
        """The response has begun: what it still reads, as a stream, may take longer, each step within its own limit."""
        self._is_lifted = True

    def renewed(self) -> "RequestDeadline":
        return RequestDeadline(self._seconds)


_current: ContextVar[RequestDeadline | None] = ContextVar("request_deadline", default=None)


def remaining_seconds(limit: float) -> float:
    """`limit`, or less where the request that is being handled has less time left; 0: none."""
    deadline = _current.get()
    return limit if deadline is None else deadline.remaining_seconds(limit)


def background_context() -> Context:
    """For a task that no single request waits for: without the deadline and the trace of the request that started it."""
    context = without_trace(copy_context())
    context.run(_current.set, None)
    return context


def shared_context() -> Context:
    """For a task that other requests may join: with a deadline of its own, as long as that of the request that started it."""
    context = copy_context()
    deadline = _current.get()
    context.run(_current.set, None if deadline is None else deadline.renewed())
    return context
