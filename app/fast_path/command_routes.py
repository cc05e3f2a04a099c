"""The fast path for bookings and holds, in front of the framework. When sales open, nearly all requests are bookings, or a hold and
its confirmation, and more than a third of their time was spent in layers that they don't need: middleware, routers, dependencies,
exit stacks, request and response objects (docs/decisions/0009).

ROUTES skip all of these and call the same functions as the documented routes (`commands.orders.book`, `commands.holds.Holds`), with
the same access policy and the same problems. Any other request goes to the framework, and so do those without a log-in, which write
a contact to the database first, or read one. A test sends the same requests both ways and compares the responses.
"""

import re
from functools import partial
from typing import NamedTuple
from uuid import UUID

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts.access import BUYERS, Access, permitted
from app import middleware, problems, tracing
from app.observation import RequestObserver
from commands.appender.pending import DisconnectCheck
from commands.holds import Holds
from commands.order_bodies import read_booking, read_confirmation
from commands.orders import book
from commands.result import CommandResult
from ledger.client_address import client_of
from ledger.client_limits import RateLimiter
from ledger.deadline import RequestDeadline
from ledger.idempotency import command_id
from ledger.mail_tokens import LENGTH
from ledger.settings import BODY_LIMIT_BYTES
from ledger.views import BookingView
from notifications.hold_access import user_of_account

_ID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_PATHS = re.compile(f"/api/(?:(events)/{_ID}/(bookings|holds)|(holds)/{_ID}/(confirm))").fullmatch
ROUTES = ("/api/events/{event_id}/bookings", "/api/events/{event_id}/holds", "/api/holds/{hold_id}/confirm")
_IN_SPAN = "seatledger.span"
_HEADERS = [(b"cache-control", b"no-store"), (b"content-type", b"application/json"), *middleware.HEADERS]
#: An `Authorization` of this length may have the token of a guest's hold.
_LONG = len("Bearer ") + LENGTH
_encode = msgspec.json.Encoder().encode


class _Target(NamedTuple):
    """What a path names: `of` "events" or "holds", its id, and `what` to do: "bookings", "holds" or "confirm"."""

    of: str
    id: UUID
    what: str

    @property
    def route(self) -> str:
        """One of ROUTES."""
        return f"/api/{self.of}/{{{self.id_name}}}/{self.what}"

    @property
    def id_name(self) -> str:
        return "event_id" if self.of == "events" else "hold_id"


class CommandFastPath:
    """An ASGI application around `inner`: handles these requests itself, and passes on every other one."""

    def __init__(self, inner: ASGIApp, app: FastAPI, request_seconds: float) -> None:
        self._inner, self._app, self._request_seconds = inner, app, request_seconds
        self._observer: RequestObserver = app.state.observer
        self._metrics = {route: self._observer.route("POST", route) for route in ROUTES}
        self._address_limiter: RateLimiter = app.state.address_limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = scope["type"] == "http" and scope["method"] == "POST" and _PATHS(scope["path"])
        headers = dict(reversed(scope["headers"])) if match else {}  # the first header of a name counts
        if not match or not self._is_of_account(headers):
            await self._inner(scope, receive, send)
            return
        of, id_, what = filter(None, match.groups())
        target = _Target(of, UUID(id_), what)
        if self._observer.is_traced and _IN_SPAN not in scope:
            with tracing.server_span(scope, target.route):
                await self({**scope, _IN_SPAN: True}, receive, send)
            return
        trace = self._observer.begin(headers)
        scope["path_params"] = {target.id_name: id_}
        metrics = self._metrics[target.route]
        try:
            with RequestDeadline(self._request_seconds):
                self._address_limiter.count(client_of(scope))
                result = await self._execute(target, headers, scope, receive)
        except Exception as error:  # noqa: BLE001 - each gets the response that the framework would give
            response = await problems.respond(Request(scope, receive), error)
            header = self._observer.end(trace, scope, response.status_code, metrics)
            response.raw_headers += [*middleware.HEADERS, header]
            await response(scope, receive, send)
            return
        body = _encode(result.view)
        kind = "bookings" if isinstance(result.view, BookingView) else "holds"
        response_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"ledger-position", b"%d" % result.position),
            (b"location", f"/api/{kind}/{result.view.id}".encode()),
            *_HEADERS,
            self._observer.end(trace, scope, 201, metrics),
        ]
        await send({"type": "http.response.start", "status": 201, "headers": response_headers})
        await send({"type": "http.response.body", "body": body})

    def _is_of_account(self, headers: dict[bytes, bytes]) -> bool:
        authorization = headers.get(b"authorization")
        if authorization is not None:
            return len(authorization) < _LONG
        access: Access = self._app.state.access
        return b"cookie" in headers and access.has_session_cookie(headers[b"cookie"])

    async def _execute(self, target: _Target, headers: dict[bytes, bytes], scope: Scope, receive: Receive) -> CommandResult:
        state = self._app.state
        content, content_type = await _read_body(headers, receive), headers.get(b"content-type", b"").decode("latin-1")
        principal = permitted(await state.access.principal_of(scope), BUYERS)
        key = headers.get(b"idempotency-key")
        is_disconnected: DisconnectCheck = partial(_is_disconnected, scope, receive)
        holds: Holds = state.holds
        if target.what == "confirm":
            user = await user_of_account(principal, target.id, state.open_holds)
            state.access.account_limiter.count(principal.id)
            confirmation = read_confirmation(content, content_type)
            return await holds.confirm(user, confirmation, _command_id(principal.id, scope, key), is_disconnected)
        state.access.account_limiter.count(principal.id)
        body, id_ = read_booking(content, content_type), _command_id(principal.id, scope, key)
        client = client_of(scope)
        with state.code_guesses.watched(client, body.code):
            if target.what == "holds":
                return await holds.hold(target.id, body, principal, client, id_, is_disconnected)
            return await book(state.write_side, target.id, body, principal.actor, id_, is_disconnected)


def _command_id(principal_id: UUID, scope: Scope, key: bytes | None) -> UUID:
    return command_id(principal_id, "POST", scope["path"], None if key is None else key.decode("latin-1"))


async def _read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    """Reads the body, which nearly always arrives in one message. Raises HTTPException (413), ClientDisconnect."""
    if int(headers.get(b"content-length", 0)) > BODY_LIMIT_BYTES:
        raise HTTPException(413)
    content: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        content += message["body"]
        if len(content) > BODY_LIMIT_BYTES:
            raise HTTPException(413)
        if not message["more_body"]:
            return content


async def _is_disconnected(scope: Scope, receive: Receive) -> bool:
    return await Request(scope, receive).is_disconnected()
