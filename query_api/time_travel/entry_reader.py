"""Reading the ledger itself, in order, however long it is: one window of keys for each statement, and nothing held in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ledger.concurrency import ConcurrencyLimiter
from ledger.errors import EventNotFound, PositionBeyondHead
from query_api import queries
from query_api.database import Database
from query_api.responses.http import NDJSON, headers_of

#: Windows that one request reads.
MAX_WINDOWS = 20
#: Keys that one chunk of an NDJSON response covers.
CHUNK = 1_000
#: Streams open in one process.
MAX_OPEN = 20
#: A client that takes nothing for this long is disconnected.
SEND_SECONDS = 20.0


class EntrySlice(NamedTuple):
    """Entries as JSON, the ledger's head, and the key to continue after, if there are more."""

    head: int
    lines: list[str]
    next_key: int | None


class EntryReader:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._open = ConcurrencyLimiter("exports", MAX_OPEN, 0, 0)

    async def page(self, search: queries.EntrySearch, after_key: int, limit: int, at_least: int | None) -> EntrySlice:
        """The first `limit` matching entries with keys past `after_key`. Raises EventNotFound, PositionBeyondHead, Busy."""
        head, last = await self._end(search, at_least)
        lines: list[str] = []
        key = after_key
        for _ in range(MAX_WINDOWS):
            if key >= last:
                return EntrySlice(head, lines, None)
            until = min(key + queries.WINDOW, last)
            missing = limit - len(lines)
            rows = await self._database.fetch_rows(queries.entries(search, key, until, missing + 1))
            lines += [row.line for row in rows[:missing]]
            if len(rows) > missing:
                return EntrySlice(head, lines, rows[missing - 1].key if missing else key)
            key = until
        return EntrySlice(head, lines, key if key < last else None)

    async def stream(self, search: queries.EntrySearch, after_key: int, at_least: int | None) -> StreamingResponse:
        """All matching entries with keys past `after_key` up to the present end, one in a line. Raises as `page`, before
        the response begins."""
        async with AsyncExitStack() as resources:
            await resources.enter_async_context(self._open.slot())
            head, last = await self._end(search, at_least)
            return _EntryStream(self._chunks(search, after_key, last), head, resources.pop_all())

    async def _chunks(self, search: queries.EntrySearch, after_key: int, last: int) -> AsyncIterator[bytes]:
        for key in range(after_key, last, CHUNK):
            rows = await self._database.fetch_rows(queries.entries(search, key, min(key + CHUNK, last), CHUNK))
            if rows:
                yield "".join(f"{row.line}\n" for row in rows).encode()

    async def _end(self, search: queries.EntrySearch, at_least: int | None) -> tuple[int, int]:
        """The ledger's head, and the last key of the search."""
        (end,) = await self._database.fetch_rows(queries.last_key(search))
        if end.last is None:
            raise EventNotFound
        if max(at_least or 0, search.after or 0) > end.head:
            raise PositionBeyondHead(end.head)
        return end.head, end.last


class _EntryStream(StreamingResponse):
    """Closes `resources` when it is sent, or when the client has disconnected."""

    def __init__(self, chunks: AsyncIterator[bytes], head: int, resources: AsyncExitStack) -> None:
        self._resources = resources
        headers = headers_of(head) | {"Content-Disposition": 'attachment; filename="ledger.ndjson"', "Vary": "Accept"}
        super().__init__(chunks, headers=headers, media_type=NDJSON)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        async with self._resources:
            await super().__call__(scope, receive, send_in_time)
