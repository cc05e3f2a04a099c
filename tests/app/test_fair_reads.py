"""Reads take turns by client (`app/fast_path/fair_reads.py`)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.fast_path.fair_reads import MAX_AT_WORK, MAX_WAITING, FairReads
from app.observation import RequestObserver

HIM, HER = "192.0.2.1", "192.0.2.2"


class Reads:
    """Requests to an application that responds when `may_respond` is set, and counts what is at work and what has been."""

    def __init__(self, wait_seconds: float = 10.0) -> None:
        self.may_respond, self.may_end = asyncio.Event(), asyncio.Event()
        self.at_work = self.begun = 0
        self.statuses: list[int] = []
        app = FastAPI()
        app.state.observer = RequestObserver(access_log=False)
        self.fair = FairReads(self._respond, app, wait_seconds)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.at_work += 1
        self.begun += 1
        try:
            await self.may_respond.wait()
        finally:
            self.at_work -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.may_end.wait()

    def send(self, client: str, count: int = 1, method: str = "GET") -> list[asyncio.Task[None]]:
        scope = {"type": "http", "method": method, "path": "/", "headers": [], "client": (client, 1)}
        return [asyncio.create_task(self.fair(dict(scope), self._receive, self._send)) for _ in range(count)]

    async def _receive(self) -> Any:
        await asyncio.Event().wait()

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))


async def settle() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


def test_reads_of_one_client_wait_for_their_turn_and_others_do_not() -> None:
    async def test() -> None:
        reads = Reads()
        sent = reads.send(HIM, 100)
        await settle()
        assert reads.at_work == MAX_AT_WORK
        sent += reads.send(HER) + reads.send(HIM, method="POST")
        await settle()
        assert reads.at_work == MAX_AT_WORK + 2
        reads.may_respond.set()
        await settle()
        assert len(reads.statuses) == 102  # none has ended: a stream has no turn
        reads.may_end.set()
        await asyncio.gather(*sent)
        assert reads.fair._at_work == {}
        assert reads.fair._waiting == {}

    run(test)


def test_read_that_is_cancelled_gives_its_turn_back() -> None:
    async def test() -> None:
        reads = Reads()
        sent = reads.send(HIM, 3 * MAX_AT_WORK)
        await settle()
        for task in sent[: 2 * MAX_AT_WORK]:  # at work, waiting, and with a turn that has just come
            task.cancel()
        await settle()
        assert reads.at_work == MAX_AT_WORK
        reads.may_respond.set()
        reads.may_end.set()
        await asyncio.gather(*sent, return_exceptions=True)
        assert reads.fair._at_work == {}

    run(test)


def test_reads_that_wait_are_bounded() -> None:
    async def test() -> None:
        reads = Reads(wait_seconds=0.5)
        sent = reads.send(HIM, MAX_AT_WORK + MAX_WAITING + 5)
        await asyncio.gather(*sent[-5:])
        refused_at_once = reads.statuses.copy()
        await asyncio.gather(*sent[MAX_AT_WORK:])
        assert set(refused_at_once) == set(reads.statuses) == {503}
        assert len(reads.statuses) == MAX_WAITING + 5
        reads.may_respond.set()
        reads.may_end.set()
        await asyncio.gather(*sent)
        assert reads.begun == MAX_AT_WORK
        assert reads.fair._at_work == {}

    run(test)
