"""The outermost middleware: security headers for browsers, a limit on the size of request bodies, and the deadline for what a
request waits for. The time limit for receiving a request is in `app/fast_path/protocol.py`.

The framework's own size limit is not used: it responds with plain text, and may reject a command after it was executed."""

import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import problems
from ledger.deadline import RequestDeadline
from ledger.settings import BODY_LIMIT_BYTES

HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
]
#: Swagger UI and Redoc start with an inline script. The policy also keeps Redoc from fetching its logo from another host.
_DOCS = re.compile("(/compat/[a-z-]+)?/(docs|redoc|docs/swagger/)")
_DOCS_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    b" worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SecurityMiddleware:
    def __init__(self, app: ASGIApp, *, seconds: float, standalone: bool = False) -> None:
        """`seconds`: how long a request may wait for the database. `standalone`: the application is one of the five specifications'
        APIs, mounted at the root."""
        self._app, self._seconds, self._compat_prefix = app, seconds, "/" if standalone else "/compat/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        headers = [*HEADERS, (b"content-security-policy", _DOCS_POLICY)] if _DOCS.fullmatch(scope["path"]) else HEADERS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                deadline.lift()
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        with RequestDeadline(self._seconds) as deadline:
            # The five specifications' APIs respond in their own format, once `_bounded` has counted too many bytes.
            if _declared_bytes(scope) > BODY_LIMIT_BYTES and not scope["path"].startswith(self._compat_prefix):
                await problems.body_too_large()(scope, receive, send_with_headers)
                return
            await self._app(scope, receive if scope["method"] in ("GET", "HEAD") else _bounded(receive), send_with_headers)


def _declared_bytes(scope: Scope) -> int:
    """The value of Content-Length; 0 without that header. The server has checked that it is a number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


def _bounded(receive: Receive) -> Receive:
    """Counts the bytes of a body without a declared length. Raises HTTPException (413) past BODY_LIMIT_BYTES."""
    received_bytes = 0

    async def receive_bounded() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > BODY_LIMIT_BYTES:
            raise HTTPException(413)
        return message

    return receive_bounded
