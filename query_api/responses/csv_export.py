"""CSV for spreadsheets: RFC 4180, and no text from a user is taken for a formula.

A long export is first written to a temporary file and then sent, so that it is complete and as of one moment, and so that a slow
client holds no database connection."""

import csv
import io
import re
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any
from uuid import UUID

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ledger.concurrency import ConcurrencyLimiter
from ledger.errors import Busy
from query_api.responses.http import headers_of

#: A spreadsheet takes a text that begins with one of these for a formula, or for the end of its cell. Where its separator is a
#: semicolon, a cell also begins behind each of those, whatever the quotes.
_FORMULA = re.compile("(^|;)(?=[\\s]*[=+@\uff1d\uff0b\uff0d\uff20-]|[\t\r\n])")
#: Exports that one process writes concurrently, and those that it writes or sends.
MAX_WRITING = 2
MAX_OPEN = 20
#: The size of an export that is kept in memory; a larger one is written to disk.
_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_MEDIA_TYPE = "text/csv; charset=utf-8; header=present"

#: Amounts are Decimals, which are not escaped, whatever their sign. A str is text from a user.
Cell = str | int | Decimal | datetime | UUID | None


def lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC).writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _safe(cell: Cell) -> Any:
    if isinstance(cell, str):
        return _FORMULA.sub(r"\1'", cell)
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return cell


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], position: int) -> Response:
    return Response(lines([header, *rows]), headers=_headers(name, position), media_type=_MEDIA_TYPE)


def _headers(name: str, position: int) -> dict[str, str]:
    return headers_of(position) | {"Content-Disposition": f'attachment; filename="{name}.csv"', "Vary": "Accept"}


#: The ledger position of the export, and some of its rows.
Pages = AsyncIterator[tuple[int, Iterable[Sequence[Cell]]]]


class CsvExports:
    """The exports of one process."""

    def __init__(self) -> None:
        self.writing = ConcurrencyLimiter("exports", MAX_WRITING, 0, 0)
        self.open = ConcurrencyLimiter("exports", MAX_OPEN, 0, 0)
        self._writers = set[UUID]()

    @contextmanager
    def turn_of(self, writer: UUID) -> Iterator[None]:
        """An account's exports are written one at a time, so that there is room for another's. Raises Busy."""
        if writer in self._writers:
            raise Busy("Your other export is still being written. Try again.")
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)

    async def response(self, name: str, writer: UUID, header: Sequence[str], pages: Pages) -> Response:
        """Writes all pages for the account `writer`, then returns the response that sends them. Raises Busy at each limit, and what
        `pages` raises."""
        with self.turn_of(writer):
            async with AsyncExitStack() as resources, self.writing.slot():
                await resources.enter_async_context(self.open.slot())
                file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - `resources` closes it
                resources.callback(file.close)
                file.write(lines([header]))
                last_position = 0
                async for position, rows in pages:
                    last_position = position
                    file.write(lines(rows))
                headers = _headers(name, last_position) | {"Content-Length": str(file.tell())}
                return _FileResponse(file, headers, resources.pop_all())


class _FileResponse(StreamingResponse):
    """Closes `resources` when it is sent, or when the client has disconnected."""

    def __init__(self, file: IO[bytes], headers: dict[str, str], resources: AsyncExitStack) -> None:
        file.seek(0)
        self._resources = resources
        super().__init__(_chunks(file), headers=headers, media_type=_MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._resources:
            await super().__call__(scope, receive, send)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
