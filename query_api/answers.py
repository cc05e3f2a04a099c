"""Answers: JSON or, where `Accept` prefers it, CSV. Each says which ledger position it shows, and is not for any cache."""

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO, Annotated, Any

import msgspec
from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from ledger.errors import Busy

_encode = msgspec.json.Encoder().encode
_POSITION = {
    "Ledger-Position": {"description": "The ledger position that this answer shows", "schema": {"type": "integer", "minimum": 0}}
}

#: What the OpenAPI document says of an answer.
JSON: dict[int | str, dict[str, Any]] = {200: {"headers": _POSITION}}
JSON_OR_CSV: dict[int | str, dict[str, Any]] = {
    200: {"headers": _POSITION, "content": {"text/csv": {"schema": {"type": "string"}}, "application/json": {}}}
}

#: A text that begins so is a formula to a spreadsheet, or breaks out of its cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: CSVs that may be made at once, and that may be on their way, in one process.
MAX_EXPORTS_MADE = 2
MAX_EXPORTS_OPEN = 20
#: Of a CSV; what is more goes to a temporary file.
_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024

Cell = str | int | Decimal | datetime | None


def answer(view: object, position: int, headers: dict[str, str] | None = None) -> Response:
    return Response(_encode(view), headers=_headers(position) | (headers or {}), media_type="application/json")


def _headers(position: int) -> dict[str, str]:
    return {"Ledger-Position": str(position), "Cache-Control": "no-store"}


async def _prefers_csv(request: Request) -> bool:
    """Whether `Accept` names text/csv and likes JSON no better."""
    wanted = {"text/csv": 0.0, "application/json": 0.0, "application/*": 0.0, "*/*": 0.0}
    for one in ",".join(request.headers.getlist("accept")).split(","):
        media_type, *parameters = (part.strip().lower() for part in one.split(";"))
        quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        if media_type in wanted:
            wanted[media_type] = _number(quality)
    csv_quality = wanted.pop("text/csv")
    return csv_quality > 0 and csv_quality >= wanted["application/json"]


def _number(quality: str) -> float:
    try:
        return float(quality)
    except ValueError:
        return 0.0


PrefersCsv = Annotated[bool, Depends(_prefers_csv)]


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], position: int) -> Response:
    text = _lines([header]) + _lines(rows)
    return Response(text.encode(), headers=_csv_headers(name, position), media_type="text/csv; charset=utf-8; header=present")


class Exports:
    """Long CSVs: written first, streamed then, so that one that is there is complete and a slow reader holds no connection."""

    def __init__(self) -> None:
        self._made = self._open = 0

    async def answer(
        self, name: str, header: Sequence[str], pages: Callable[[], AsyncIterator[tuple[int, list[Sequence[Cell]]]]]
    ) -> Response:
        """`pages` yields the position that all of it shows, with some rows. Raises Busy where too many are made or read."""
        if self._made >= MAX_EXPORTS_MADE or self._open >= MAX_EXPORTS_OPEN:
            raise Busy("Too many exports at once. Try again.")
        self._made += 1
        file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed when it is read
        try:
            file.write(_lines([header]).encode())
            position = 0
            async for position, rows in pages():
                file.write(_lines(rows).encode())
        except BaseException:
            file.close()
            raise
        finally:
            self._made -= 1
        size = file.tell()
        file.seek(0)
        headers = _csv_headers(name, position) | {"Content-Length": str(size)}
        return _FileAnswer(self._read(file), headers)
