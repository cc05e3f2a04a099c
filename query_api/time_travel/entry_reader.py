"""Reading the ledger itself, in order, however long it is: a window of places a statement, nothing held in between."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ledger.errors import Busy, EventNotFound, PositionBeyondHead
from query_api import queries
from query_api.database import Database
from query_api.responses.http import NDJSON, headers_of

#: Windows that one request looks at.
MAX_WINDOWS = 20
#: Of a stream: places in one chunk, and streams open at once in one process. A reader that takes nothing for so long is dropped.
CHUNK, MAX_OPEN, SEND_SECONDS = 1_000, 20, 20.0


class EntrySlice(NamedTuple):
    """Entries as JSON, and the place to go on from, if there are more."""

    head: int
    lines: list[str]
    next_place: int | None


class EntryReader:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._open = 0

    async def page(self, search: queries.EntrySearch, first: int, limit: int, at_least: int | None) -> EntrySlice:
        """The first `limit` entries past place `first`. Raises EventNotFound, PositionBeyondHead, Busy."""
        head, last = await self._end(search, at_least)
        lines: list[str] = []
        place = first
        for _ in range(MAX_WINDOWS):
            if place >= last:
                return EntrySlice(head, lines, None)
            until = min(place + queries.WINDOW, last)
            rows = await self._database.fetch_rows(queries.entries(search, place, until, limit - len(lines) + 1))
            if len(lines) + len(rows) > limit:
                kept = rows[: limit - len(lines)]
                return EntrySlice(head, lines + [line for _, line in kept], kept[-1][0] if kept else place)
            lines += [line for _, line in rows]
            place = until
        return EntrySlice(head, lines, place if place < last else None)

    async def stream(self, search: queries.EntrySearch, first: int, at_least: int | None) -> StreamingResponse:
        """All of them, a line an entry, up to what is the end now. Raises as `page` does, before the answer begins."""
        if self._open >= MAX_OPEN:
            raise Busy("Too many exports at once. Try again.")
        head, last = await self._end(search, at_least)
        return _Stream(self, self._chunks(search, first, last), head)

    async def _chunks(self, search: queries.EntrySearch, first: int, last: int) -> AsyncIterator[bytes]:
        for place in range(first, last, CHUNK):
            rows = await self._database.fetch_rows(queries.entries(search, place, min(place + CHUNK, last), CHUNK))
            if rows:
                yield "".join(f"{line}\n" for _, line in rows).encode()

    async def _end(self, search: queries.EntrySearch, at_least: int | None) -> tuple[int, int]:
        ((head, last),) = await self._database.fetch_rows(queries.last_place(search))
        if last is None:
            raise EventNotFound
        if max(at_least or 0, search.after or 0) > head:
            raise PositionBeyondHead(head)
        return head, last


class _Stream(StreamingResponse):
    def __init__(self, history: EntryReader, chunks: AsyncIterator[bytes], head: int) -> None:
        self._history, self._chunks = history, chunks
        headers = headers_of(head) | {"Content-Disposition": 'attachment; filename="ledger.ndjson"', "Vary": "Accept"}
        super().__init__(chunks, headers=headers, media_type=NDJSON)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: "dict[str, object]") -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        self._history._open += 1
        try:
            await super().__call__(scope, receive, send_in_time)  # type: ignore[arg-type]
        finally:
            self._history._open -= 1
