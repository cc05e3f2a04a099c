"""CSV that a spreadsheet may open: RFC 4180, and no text of anybody's is a formula.

Long ones are written first and streamed then, so that one that arrives is complete, is of one snapshot, and a slow reader holds no
connection to the database."""

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any
from uuid import UUID

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ledger.errors import Busy
from query_api.responses.http import headers_of

#: A text that begins so is a formula to a spreadsheet, or breaks out of its cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: CSVs that one process makes at once, and that may be on their way.
MAX_MADE = 2
MAX_OPEN = 20
#: Of a CSV; what is more goes to a temporary file.
_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_MEDIA_TYPE = "text/csv; charset=utf-8; header=present"

#: Amounts are Decimals: they are numbers, whatever their sign. A str is somebody's text.
Cell = str | int | Decimal | datetime | UUID | None


def lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _safe(cell: Cell) -> Any:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return "'" + cell
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return cell


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], position: int) -> Response:
    return Response(lines([header, *rows]), headers=_headers(name, position), media_type=_MEDIA_TYPE)


def _headers(name: str, position: int) -> dict[str, str]:
    return headers_of(position) | {"Content-Disposition": f'attachment; filename="{name}.csv"', "Vary": "Accept"}


#: The position that all of it shows, and some of the rows.
Pages = AsyncIterator[tuple[int, Iterable[Sequence[Cell]]]]


class CsvExports:
    """Of one process."""

    def __init__(self) -> None:
        self._made = self._open = 0

    async def answer(self, name: str, header: Sequence[str], pages: Pages) -> Response:
        """Raises Busy where too many are made or read already, and what `pages` raises."""
        if self._made >= MAX_MADE or self._open >= MAX_OPEN:
            raise Busy("Too many exports at once. Try again.")
        self._made += 1
        file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed once it is read
        try:
            file.write(lines([header]))
            shown = 0
            async for position, rows in pages:
                shown = position
                file.write(lines(rows))
        except BaseException:
            file.close()
            raise
        finally:
            self._made -= 1
        self._open += 1
        return _FileResponse(file, _headers(name, shown) | {"Content-Length": str(file.tell())}, self._closed)

    def _closed(self) -> None:
        self._open -= 1


class _FileResponse(StreamingResponse):
    def __init__(self, file: IO[bytes], headers: dict[str, str], closed: Callable[[], None]) -> None:
        file.seek(0)
        self._file, self._closed = file, closed
        super().__init__(_chunks(file), headers=headers, media_type=_MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
            self._closed()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
