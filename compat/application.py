"""What the five applications have in common: their documents and pages, refusals in a shape of their own, and long lists.

A rule of Seatledger that says no is 400 here, and what can't be read at all is 422, unless a specification says otherwise.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, GetCoreSchemaHandler, PlainSerializer, WithJsonSchema
from pydantic_core import CoreSchema
from starlette.exceptions import HTTPException

from accounts.errors import NotSignedIn, TooManyAttempts
from commands.bodies import Price
from compat import documentation
from compat.service import Counter
from ledger import errors, http_errors
from ledger.http_errors import plain
from ledger.settings import Settings

#: Where the composition root mounts them.
PREFIX = "/compat"
T = TypeVar("T")


class Refused(errors.SeatledgerError):
    """A rule of the specification's own: its status, and the field that it is about."""

    def __init__(self, status: int, detail: str, field_name: str = "") -> None:
        super().__init__(detail)
        self.status, self.field_name = status, field_name


@dataclass(frozen=True)
class Refusal:
    """What is refused, before it has a shape: sentences, by the specification's names of its fields ("": of none)."""

    status: int
    said: Mapping[str, Sequence[str]]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return " ".join(f"{name}: {one}" if name else one for name, all_ in self.said.items() for one in all_)


def in_detail(refusal: Refusal) -> object:
    """FastAPI's own shape."""
    return {"detail": refusal.sentence}


DETAIL: Mapping[str, Any] = {
    "type": "object",
    "properties": {"detail": {"description": "A sentence; of a malformed request, a list of what is wrong and where"}},
}


@dataclass(frozen=True)
class Style:
    """How one specification says no. `fields`: what it calls ours; `shape`: the body of a refusal, and `schema` that body's schema;
    `malformed`: the status and body for what can't be read; `scheme`: of its tokens."""

    fields: Mapping[str, str] = field(default_factory=dict)
    shape: Callable[[Refusal], object] = in_detail
    malformed: Callable[[Sequence[Mapping[str, Any]]], tuple[int, object]] | None = None
    scheme: str = "Bearer"
    schema: Mapping[str, Any] = field(default_factory=lambda: DETAIL)


def make(api: str, settings: Settings, style: Style, *, title: str, description: str | None, docs_also_at: str = "") -> FastAPI:
    """An application without routes; `state.whole` is to become the state of the whole that it is mounted in."""
    app = FastAPIOffline(
        title=title,
        description=description or "",
        servers=[{"url": settings.server_url if settings.specification else f"{settings.server_url}{PREFIX}/{api}"}],
        root_path_in_servers=False,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.api = api
    app.openapi = partial(_document, app, style)  # type: ignore[method-assign]
    documentation.prepare(app, settings)
    if docs_also_at:
        page = next(route for route in app.routes if isinstance(route, APIRoute) and route.path == "/docs")
        app.add_api_route(docs_also_at, page.endpoint, include_in_schema=False)

    http_errors.install(app, _Refusals(style))
    return app


def _number(amount: Decimal) -> int | float:
    """`50` of 50.00, `12.5` of 12.50: as people write it."""
    return int(amount) if amount == int(amount) else float(amount)


#: Money as a JSON number; made of the decimal text that Seatledger has for it.
Amount = Annotated[Decimal, PlainSerializer(_number, return_type=int | float), WithJsonSchema({"type": "number", "minimum": 0})]


#: What a request asks to be paid: documented as the number that the specifications have.
Asked = Annotated[Price, WithJsonSchema({"type": "number", "minimum": 0})]


class _NotNull:
    """Takes null out of what an optional type accepts: it stays only as what stands for a field that was left out."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        optional = handler(source)
        assert optional["type"] == "nullable"
        inner: CoreSchema = optional["schema"]
        return inner


#: A field that may be left out, with `= None`. Null is refused as any other value of a wrong type is.
LeftOut = Annotated[T | None, _NotNull()]


async def _counter(request: Request) -> Counter:
    return Counter(request.app.state.api, request, request.app.state.whole)


#: What an application sells over.
At = Annotated[Counter, Depends(_counter)]


async def array(pages: AsyncIterator[list[T]], made: Callable[[T], BaseModel]) -> Response:
    """A list, complete. Written page by page, so that nobody else waits for a long one."""
    written = [made(row).model_dump_json().encode() async for page in pages for row in page]
    return Response(b"[" + b",".join(written) + b"]", headers=NOT_STORED, media_type="application/json")


def _document(app: FastAPI, style: Style) -> dict[str, Any]:
    if app.openapi_schema is None:
        refusal = {"description": "Refused", "content": {"application/json": {"schema": dict(style.schema)}}}
        app.openapi_schema = documentation.document_of(app, {"4XX": refusal})
    return app.openapi_schema


class _Refusals:
    """See `http_errors.ErrorResponses`."""

    def __init__(self, style: Style) -> None:
        self._style = style

    def refused(self, error: errors.SeatledgerError) -> Response:
        return _response(_refusal(error, self._style), self._style)

    def malformed(self, found: list[Mapping[str, Any]]) -> Response:
        listed = [{"type": error["type"], "loc": list(error["loc"]), "msg": _message(error["msg"])} for error in found]
        status, body = self._style.malformed(listed) if self._style.malformed else (422, {"detail": listed})
        return _json(body, status)

    def framework_error(self, request: Request, error: HTTPException) -> Response:
        return _response(Refusal(error.status_code, {"": [error.detail]}, dict(error.headers or {})), self._style)

    def internal_error(self) -> Response:
        return _response(Refusal(500, {"": ["Something went wrong here. It is logged."]}), self._style)


NOT_STORED = {"Cache-Control": "no-store"}
_STATUS: dict[type[errors.SeatledgerError], int] = {
    errors.NotFound: 404,
    errors.NotYourEvent: 403,
    NotSignedIn: 401,
    TooManyAttempts: 429,
    errors.TryAgain: 503,
}


#: Without the headers that only our own API has.
_TRY_AGAIN: dict[type[errors.SeatledgerError], str] = {
    errors.OutcomeUnknown: "It is not known whether this happened: look, before you try again.",
    errors.StaleRead: "What was written last does not show yet. Try again.",
}


def _refusal(error: errors.SeatledgerError, style: Style) -> Refusal:
    if isinstance(error, Refused):
        return Refusal(error.status, {style.fields.get(error.field_name, error.field_name): [error.detail]})
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
    headers: dict[str, str] = {}
    if isinstance(error, errors.TryAgain):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = style.scheme
    if words := next((words for kind, words in _TRY_AGAIN.items() if isinstance(error, kind)), ""):
        return Refusal(status, {"": [words]}, headers)
    said: dict[str, list[str]] = {}
    for one in error.facts.get("errors", ()):
        said.setdefault(style.fields.get(one["path"], one["path"]), []).append(f"{_in_words_of(style, one['message'])}.")
    if isinstance(error, errors.SoldOut):
        available = error.facts["available"]
        left = f"Only {available} {'is' if available == 1 else 'are'} available."
        said[""] = [left if available else "The event is sold out."]
    if isinstance(error, errors.CapacityBelowTaken):
        said[style.fields.get("capacity", "")] = [f"{error.facts['taken']} seats are taken already."]
    return Refusal(status, said or {"": [error.detail]}, headers)


def _response(refusal: Refusal, style: Style) -> Response:
    return _json(style.shape(refusal), refusal.status, refusal.headers)


def _json(body: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, {**NOT_STORED, **(headers or {})}, "application/json")


def _in_words_of(style: Style, message: str) -> str:
    for ours, theirs in style.fields.items():
        message = message.replace(ours, theirs)
    return message


def _message(text: str) -> str:
    return plain(text).removeprefix("Value error, ")
