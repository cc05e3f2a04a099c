"""The outermost middleware: it observes each request, adds security headers for browsers, and limits the size of request bodies and
the time that a request may wait. The time limit for receiving a request is in `app/fast_path/protocol.py`.

It is around the framework's own outermost one, which responds to internal errors. It is one, since each costs a request time. The
framework's own size limit is not used: it responds with plain text, and may reject a command after it was executed."""

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accounts.access import SAFE_METHODS
from app import problems
from app.observation import RequestObserver
from ledger.client_address import client_of
from ledger.client_limits import RateLimiter
from ledger.deadline import RequestDeadline
from ledger.errors import TooManyRequests
from ledger.settings import BODY_LIMIT_BYTES

_POLICY = b"content-security-policy"
_PAGE_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
]
#: Of a response that has no policy of its own.
HEADERS = [*_PAGE_HEADERS, (_POLICY, problems.NO_PAGE_POLICY.encode())]
#: Swagger UI and Redoc start with an inline script. The policy also keeps Redoc from fetching its logo from another host.
_DOCS = re.compile("(/compat/[a-z-]+)?/(docs|redoc|docs/swagger/)")
_DOCS_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    b" worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DOCS_HEADERS = [*_PAGE_HEADERS, (_POLICY, _DOCS_POLICY)]


class OutermostMiddleware:
    def __init__(
        self, app: ASGIApp, observer: RequestObserver, address_limiter: RateLimiter, *, seconds: float, standalone: bool = False
    ) -> None:
        """`address_limiter` counts commands. `seconds`: how long a request may wait for the database. `standalone`:
        the application is one of the five specifications' APIs, mounted at the root."""
        self._app, self._observer, self._address_limiter, self._seconds = app, observer, address_limiter, seconds
        self._compat_prefix = "/" if standalone else "/compat/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        is_docs = not scope["path"].startswith("/api/") and _DOCS.fullmatch(scope["path"])
        given = dict(reversed(scope["headers"]))  # the first header of a name counts
        trace = self._observer.begin(given)
        is_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                deadline.lift()
                own = message.get("headers", ())
                headers = _DOCS_HEADERS if is_docs else _PAGE_HEADERS if any(name == _POLICY for name, _ in own) else HEADERS
                message["headers"] = [*own, *headers, self._observer.end(trace, scope, message["status"])]
            await send(message)

        try:
            with RequestDeadline(self._seconds) as deadline:
                if scope["method"] not in SAFE_METHODS:
                    trace.client = client_of(scope)
                    self._address_limiter.count(trace.client)
                # The five specifications' APIs respond in their own format, once `_bounded` has counted too many bytes.
                too_large = int(given.get(b"content-length", 0)) > BODY_LIMIT_BYTES
                if too_large and not scope["path"].startswith(self._compat_prefix):
                    await problems.body_too_large()(scope, receive, send_with_headers)
                    return
                if scope["method"] == "HEAD":
                    scope = {**scope, "method": "GET"}
                    await self._app(scope, receive, _only_head(send_with_headers))
                    return
                await self._app(scope, receive if scope["method"] == "GET" else _bounded(receive), send_with_headers)
        except TooManyRequests as error:
            await (await problems.respond(Request(scope), error))(scope, receive, send_with_headers)
        except BaseException:
            if not is_begun:  # the server will respond with 500
                self._observer.end(trace, scope, 500)
            raise


def _only_head(send: Send) -> Send:
    """Sends a response without its body, as it begins: what would be a stream ends, too."""
    has_ended = False

    async def send_head(message: Message) -> None:
        nonlocal has_ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not has_ended:
            has_ended = True
            await send({"type": "http.response.body"})

    return send_head


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
