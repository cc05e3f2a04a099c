"""The hot route, past the framework. On-sale minutes are one request over and over, and more than a third of its time was spent in
layers that it does not need: routers, dependencies, exit stacks (decision 0009).

`POST /api/events/{event_id}/bookings` is taken out here and handed to the very function that its documented route calls
(`commands.routes.book`), with the same policy and the same problems. What looks any different goes the long way. A test sends
the same requests both ways and compares.
"""

import re
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

import problems
from accounts.access import buyer
from commands.routes import book

_BOOKINGS = re.compile("/api/events/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/bookings")


class HotRoute:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = scope["type"] == "http" and scope["method"] == "POST" and _BOOKINGS.fullmatch(scope["path"])
        if not hot:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            who = await buyer(request)
            content = await _content(receive)
            response = await book(UUID(hot[1]), request, content, who, request.headers.get("idempotency-key"))
        except Exception as error:  # noqa: BLE001 - each is answered as the framework would have it answered
            response = await problems.respond(request, error)
        await response(scope, receive, send)


async def _content(receive: Receive) -> bytes:
    """The body, which nearly always comes in one piece; `edge.py` bounds its length and time."""
    content: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        content += message.get("body", b"")
        if not message.get("more_body", False):
            return content
