"""The fast path for public reads, in front of the framework: an event, or a page of events, that is in the event read cache. A
crowd that waits for sales to open, and caches that ask whether an event has changed, send little else (docs/decisions/0051).

It answers from memory alone, and only requests that name neither an account nor a position. Any other request goes on, to the
documented routes (`query_api/routes/events.py`), which give the same responses. A test compares them.
"""

import re
from uuid import UUID

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app import middleware
from app.observation import RequestObserver
from query_api.caching.cached_events import CachedResponse
from query_api.caching.event_read_cache import EventReadCache
from query_api.responses.representation import is_public, public_response

_EVENT = re.compile("/api/events/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})").fullmatch
_PAGE = "/api/events"


class PublicReadFastPath:
    """An ASGI application around `inner`: answers what it has in memory, and passes on every other request."""

    def __init__(self, inner: ASGIApp, app: FastAPI) -> None:
        self._inner, self._state = inner, app.state
        self._observer: RequestObserver = app.state.observer
        self._event_metrics = self._observer.route("GET", "/api/events/{event_id}")
        self._page_metrics = self._observer.route("GET", _PAGE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(_PAGE)
        if is_read and not self._observer.is_traced:  # the framework makes the spans
            given = dict(reversed(scope["headers"]))  # the first header of a name counts
            if is_public(given) and (cached := self._cached(scope)) is not None:
                await self._respond(cached, given, scope, send)
                return
        await self._inner(scope, receive, send)

    def _cached(self, scope: Scope) -> CachedResponse | None:
        cache: EventReadCache = self._state.read_side.event_read_cache
        if match := _EVENT(scope["path"]):
            return cache.event_in_memory(UUID(match[1]))
        search = cache.remembered(scope["query_string"]) if scope["path"] == _PAGE else None
        return None if search is None else cache.page_in_memory(search, self._state.read_side.clock())

    async def _respond(self, cached: CachedResponse, given: dict[bytes, bytes], scope: Scope, send: Send) -> None:
        trace = self._observer.begin(given)
        status, headers, body = public_response(cached.made, cached.position, given)
        if status != 304:
            headers.append((b"content-length", b"%d" % len(body)))
        metrics = self._page_metrics if scope["path"] == _PAGE else self._event_metrics
        headers += (*middleware.HEADERS, self._observer.end(trace, scope, status, metrics))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
