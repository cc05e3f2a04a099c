"""Reads take turns by client, so that those of one can't keep the others' waiting (docs/decisions/0071). Commands have a limit a
minute instead."""

import asyncio
from collections import deque

from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accounts.access import SAFE_METHODS
from app import middleware, problems
from app.observation import RequestObserver
from ledger.client_address import client_of
from ledger.errors import Busy

#: Reads of one client that are at work at a time, in this process. An office, or a provider's mobile network, is one client; a
#: browser has six connections.
MAX_AT_WORK = 16
#: Reads of one client that wait for their turn: each has a connection, of which a client has CONNECTIONS_PER_ADDRESS.
MAX_WAITING = 1_024


class FairReads:
    """An ASGI application around `inner`: MAX_AT_WORK reads of one client are at work at a time, MAX_WAITING more wait, at most
    `wait_seconds`. Past that the response is Busy. A read is at work until its response begins: streams and slow clients have no
    turn."""

    def __init__(self, inner: ASGIApp, app: FastAPI, wait_seconds: float) -> None:
        self._inner, self._wait_seconds = inner, wait_seconds
        self._observer: RequestObserver = app.state.observer
        self._at_work: dict[str, int] = {}
        #: Of clients that have MAX_AT_WORK at work.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in SAFE_METHODS:
            await self._inner(scope, receive, send)
            return
        client = client_of(scope)
        at_work = self._at_work.get(client, 0)
        if at_work < MAX_AT_WORK:
            self._at_work[client] = at_work + 1
        else:
            try:
                await self._wait(client)
            except Busy as error:
                await self._refuse(error, scope, receive, send)
                return
        has_turn = True

        async def send_and_end_turn(message: Message) -> None:
            nonlocal has_turn
            if has_turn:
                has_turn = False
                self._end_turn(client)
            await send(message)

        try:
            await self._inner(scope, receive, send_and_end_turn)
        finally:
            if has_turn:
                self._end_turn(client)

    async def _wait(self, client: str) -> None:
        """Returns when another read of this client hands its turn on. Raises Busy."""
        waiting = self._waiting.setdefault(client, deque())
        if len(waiting) >= MAX_WAITING:
            raise Busy
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came at the same moment
                self._end_turn(client)
            if isinstance(error, TimeoutError):
                raise Busy from None
            raise

    def _end_turn(self, client: str) -> None:
        waiting = self._waiting.get(client, ())
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._waiting.pop(client, None)
        self._at_work[client] -= 1
        if not self._at_work[client]:
            del self._at_work[client]

    async def _refuse(self, error: Busy, scope: Scope, receive: Receive, send: Send) -> None:
        trace = self._observer.begin(dict(reversed(scope["headers"])))
        response = await problems.respond(Request(scope, receive), error)
        response.raw_headers += [*middleware.HEADERS, self._observer.end(trace, scope, response.status_code)]
        await response(scope, receive, send)
