"""What the five applications share: documentation pages, error responses in their own formats, field types, complete lists.

A request that breaks a rule of Seatledger is 400 here, and a malformed one 422, unless a specification says otherwise.
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
from compat.service import CompatService
from ledger import errors, http_errors
from ledger.field_types import LongText, Text, WithoutHidden
from ledger.http_errors import plain
from ledger.settings import Settings

#: Any text, as the specifications allow it: what nobody sees, or what reorders text, is removed instead of refused.
AnyLine = Annotated[str, Text(200, at_least=0), WithoutHidden]
AnyLines = Annotated[LongText, WithoutHidden]
#: The path under which the composition root mounts the applications.
PREFIX = "/compat"
T = TypeVar("T")


class SpecificationError(errors.SeatledgerError):
    """A rule of one specification was broken. `status`: of the response; `field_name`: the field concerned, or ""."""

    def __init__(self, status: int, detail: str, field_name: str = "") -> None:
        super().__init__(detail)
        self.status, self.field_name = status, field_name


@dataclass(frozen=True)
class ErrorContent:
    """An error response before it is formatted. `messages`: sentences by the specification's field names ("": of no field)."""

    status: int
    messages: Mapping[str, Sequence[str]]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return " ".join(f"{name}: {message}" if name else message for name, all_ in self.messages.items() for message in all_)


def detail_body(content: ErrorContent) -> object:
    """The error body that FastAPI uses."""
    return {"detail": content.text}


DETAIL_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"detail": {"description": "A sentence; for a malformed request, a list of errors with their locations"}},
}


@dataclass(frozen=True)
class ErrorFormat:
    """How one specification formats errors.

    `field_names`: its names for our fields. `to_body`: makes a response's body, described by the JSON schema `body_schema`.
    `malformed`: the status and body for a malformed request. `auth_scheme`: of its tokens, for WWW-Authenticate."""

    field_names: Mapping[str, str] = field(default_factory=dict)
    to_body: Callable[[ErrorContent], object] = detail_body
    malformed: Callable[[Sequence[Mapping[str, Any]]], tuple[int, object]] | None = None
    auth_scheme: str = "Bearer"
    body_schema: Mapping[str, Any] = field(default_factory=lambda: DETAIL_SCHEMA)


def make(
    api: str, settings: Settings, error_format: ErrorFormat, *, title: str, description: str | None, second_docs_path: str = ""
) -> FastAPI:
    """An application without routes. The caller sets `state.shared` to the state of the application that it is mounted in."""
    app = FastAPIOffline(
        title=title,
        description=description or "",
        servers=[{"url": settings.server_url if settings.specification else f"{settings.server_url}{PREFIX}/{api}"}],
        root_path_in_servers=False,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.api = api
    app.openapi = partial(_document, app, error_format)  # type: ignore[method-assign]
    documentation.prepare(app, settings)
    if second_docs_path:
        page = next(route for route in app.routes if isinstance(route, APIRoute) and route.path == "/docs")
        app.add_api_route(second_docs_path, page.endpoint, include_in_schema=False)

    http_errors.install(app, _ErrorResponses(error_format))
    return app


def _number(amount: Decimal) -> int | float:
    """50.00 becomes `50`, 12.50 becomes `12.5`."""
    return int(amount) if amount == int(amount) else float(amount)


#: Money as a JSON number, converted from our decimal text.
Amount = Annotated[Decimal, PlainSerializer(_number, return_type=int | float), WithJsonSchema({"type": "number", "minimum": 0})]


#: A price in a request, documented as a JSON number, as in the specifications.
RequestedPrice = Annotated[Price, WithJsonSchema({"type": "number", "minimum": 0})]


class _NotNull:
    """Makes an optional type refuse null: None only stands for an omitted field."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        optional = handler(source)
        assert optional["type"] == "nullable"
        inner: CoreSchema = optional["schema"]
        return inner


#: A field that may be omitted, with the default `= None`. Null is refused like any value of a wrong type.
Omittable = Annotated[T | None, _NotNull()]


async def _service(request: Request) -> CompatService:
    return CompatService(request.app.state.api, request, request.app.state.shared)


#: A route's parameter: the service over commands and queries, made for this request.
Service = Annotated[CompatService, Depends(_service)]


async def json_array(pages: AsyncIterator[list[T]], to_model: Callable[[T], BaseModel]) -> Response:
    """A complete list as a JSON array. It is encoded page by page, so that a long list doesn't block the event loop."""
    items = [to_model(row).model_dump_json().encode() async for page in pages for row in page]
    return Response(b"[" + b",".join(items) + b"]", headers=NOT_STORED, media_type="application/json")


def _document(app: FastAPI, error_format: ErrorFormat) -> dict[str, Any]:
    if app.openapi_schema is None:
        error_response = {"description": "Refused", "content": {"application/json": {"schema": dict(error_format.body_schema)}}}
        app.openapi_schema = documentation.document_of(app, {"4XX": error_response})
    return app.openapi_schema


class _ErrorResponses:
    """See `http_errors.ErrorResponses`."""

    def __init__(self, error_format: ErrorFormat) -> None:
        self._error_format = error_format

    def refused(self, error: errors.SeatledgerError) -> Response:
        return _response(_error_content(error, self._error_format), self._error_format)

    def malformed(self, pydantic_errors: list[Mapping[str, Any]]) -> Response:
        listed = [{"type": error["type"], "loc": list(error["loc"]), "msg": _message(error["msg"])} for error in pydantic_errors]
        status, body = self._error_format.malformed(listed) if self._error_format.malformed else (422, {"detail": listed})
        return _json(body, status)

    def framework_error(self, request: Request, error: HTTPException) -> Response:
        return _response(ErrorContent(error.status_code, {"": [error.detail]}, dict(error.headers or {})), self._error_format)

    def internal_error(self) -> Response:
        return _response(ErrorContent(500, {"": ["An internal error occurred. It was logged."]}), self._error_format)


NOT_STORED = {"Cache-Control": "no-store"}
_STATUS: dict[type[errors.SeatledgerError], int] = {
    errors.NotFound: 404,
    errors.NotYourEvent: 403,
    NotSignedIn: 401,
    TooManyAttempts: 429,
    errors.EventUnreadable: 503,
    errors.EventSealed: 503,
    errors.RetryableError: 503,
}


#: Texts that don't mention headers of our own API.
_TRY_AGAIN: dict[type[errors.SeatledgerError], str] = {
    errors.OutcomeUnknown: "It is not known whether this was executed. Check before you try again.",
    errors.StaleRead: "The latest changes are not visible yet. Try again.",
}


def _error_content(error: errors.SeatledgerError, error_format: ErrorFormat) -> ErrorContent:
    if isinstance(error, SpecificationError):
        return ErrorContent(error.status, {error_format.field_names.get(error.field_name, error.field_name): [error.detail]})
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
    headers: dict[str, str] = {}
    if isinstance(error, errors.RetryableError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = error_format.auth_scheme
    if text := next((text for kind, text in _TRY_AGAIN.items() if isinstance(error, kind)), ""):
        return ErrorContent(status, {"": [text]}, headers)
    messages: dict[str, list[str]] = {}
    for fact in error.facts.get("errors", ()):
        messages.setdefault(error_format.field_names.get(fact["path"], fact["path"]), []).append(
            f"{_with_field_names(error_format, fact['message'])}."
        )
    if isinstance(error, errors.SoldOut):
        available = error.facts["available"]
        sentence = f"Only {available} {'is' if available == 1 else 'are'} available."
        messages[""] = [sentence if available else "The event is sold out."]
    if isinstance(error, errors.CapacityBelowTaken):
        messages[error_format.field_names.get("capacity", "")] = [f"{error.facts['taken']} seats are already taken."]
    return ErrorContent(status, messages or {"": [error.detail]}, headers)


def _response(content: ErrorContent, error_format: ErrorFormat) -> Response:
    return _json(error_format.to_body(content), content.status, content.headers)


def _json(body: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, {**NOT_STORED, **(headers or {})}, "application/json")


def _with_field_names(error_format: ErrorFormat, message: str) -> str:
    for ours, theirs in error_format.field_names.items():
        message = message.replace(ours, theirs)
    return message


def _message(text: str) -> str:
    return plain(text).removeprefix("Value error, ")
