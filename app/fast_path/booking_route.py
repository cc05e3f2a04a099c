"""The fast path for bookings, in front of the framework. When sales open, nearly all requests are bookings, and more than a
third of their time was spent in layers that they don't need: middleware, routers, dependencies, exit stacks, request and response
objects (docs/decisions/0009).

`POST /api/events/{event_id}/bookings` skips all of these and calls the same function as the documented route
(`commands.orders.order`), with the same access policy and the same problems. Any other request goes to the framework, and so do
bookings without a log-in, which write a contact to the database first. A test sends the same requests both ways and compares the
responses.
"""

import re
from functools import partial
from uuid import UUID

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts.access import BUYERS, SESSION_COOKIE, permitted
from app import middleware, problems, tracing
from app.observation import RequestObserver
from commands.order_bodies import read_booking
from commands.orders import order
from commands.result import CommandResult
from commands.write_side import WriteSide
from ledger.client_address import client_of
from ledger.client_limits import RateLimiter
from ledger.commands import BookSeats
from ledger.deadline import RequestDeadline
from ledger.idempotency import command_id
from ledger.settings import BODY_LIMIT_BYTES

_BOOKINGS = re.compile("/api/events/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/bookings").fullmatch
_ROUTE, _IN_SPAN = "/api/events/{event_id}/bookings", "seatledger.span"
_HEADERS = [(b"cache-control", b"no-store"), (b"content-type", b"application/json"), *middleware.HEADERS]
#: In the cookies of a browser in which somebody is logged in.
_SESSION = SESSION_COOKIE.encode()
_encode = msgspec.json.Encoder().encode


class BookingFastPath:
    """An ASGI application around `inner`: handles bookings itself, and passes on every other request."""

    def __init__(self, inner: ASGIApp, app: FastAPI, request_seconds: float) -> None:
        self._inner, self._app, self._request_seconds = inner, app, request_seconds
        self._observer: RequestObserver = app.state.observer
        self._metrics = self._observer.route("POST", _ROUTE)
        self._address_limiter: RateLimiter = app.state.address_limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = scope["type"] == "http" and scope["method"] == "POST" and _BOOKINGS(scope["path"])
        headers = dict(reversed(scope["headers"])) if match else {}  # the first header of a name counts
        if not match or not (b"authorization" in headers or _SESSION in headers.get(b"cookie", b"")):
            await self._inner(scope, receive, send)
            return
        if self._observer.is_traced and _IN_SPAN not in scope:
            with tracing.server_span(scope, _ROUTE):
                await self({**scope, _IN_SPAN: True}, receive, send)
            return
        trace = self._observer.begin(headers)
        scope["path_params"] = {"event_id": match[1]}
        try:
            with RequestDeadline(self._request_seconds):
                self._address_limiter.count(client_of(scope))
                result = await self._book(UUID(match[1]), headers, scope, receive)
        except Exception as error:  # noqa: BLE001 - each gets the response that the framework would give
            response = await problems.respond(Request(scope, receive), error)
            header = self._observer.end(trace, scope, response.status_code, self._metrics)
            response.raw_headers += [*middleware.HEADERS, header]
            await response(scope, receive, send)
            return
        body = _encode(result.view)
        response_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"ledger-position", b"%d" % result.position),
            (b"location", f"/api/bookings/{result.view.id}".encode()),
            *_HEADERS,
            self._observer.end(trace, scope, 201, self._metrics),
        ]
        await send({"type": "http.response.start", "status": 201, "headers": response_headers})
        await send({"type": "http.response.body", "body": body})

    async def _book(self, event_id: UUID, headers: dict[bytes, bytes], scope: Scope, receive: Receive) -> CommandResult:
        state = self._app.state
        write_side: WriteSide = state.write_side
        content = await _read_body(headers, receive)
        principal = permitted(await state.access.principal_of(scope), BUYERS)
        state.access.account_limiter.count(principal.id)
        body = read_booking(content, headers.get(b"content-type", b"").decode("latin-1"))
        key = headers.get(b"idempotency-key")
        command = command_id(principal.id, "POST", scope["path"], None if key is None else key.decode("latin-1"))
        ordered = await order(write_side, BookSeats, event_id, body, principal.actor, command)
        return await write_side.command_service.execute(ordered, partial(_is_disconnected, scope, receive))


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
