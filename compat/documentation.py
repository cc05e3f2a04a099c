"""The pages at /docs and /redoc and the document behind them, of Seatledger's own API and of the others: they ask no other host."""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ledger.settings import Settings

_REDOC = "redoc.standalone.js"
#: Redoc would fetch its makers' logo; the policy of the page refuses, and the browser complains.
_LOGO, _NOTHING = "https://cdn.redoc.ly/redoc/logo-mini.svg", "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"


def prepare(app: FastAPI, settings: Settings) -> None:
    """To be called once the application is made, before it is asked for anything."""
    app.router.routes.insert(0, Route(f"/static-offline-docs/{_REDOC}", _redoc))
    if not settings.public_url:
        route = next(route for route in app.routes if isinstance(route, Route) and route.path == app.openapi_url)
        app.router.routes[app.router.routes.index(route)] = Route(route.path, _document_of(app))


def _document_of(app: FastAPI) -> Callable[[Request], Awaitable[Response]]:
    """It names the server as it was asked for, so that "Try it out" works by each of its names: localhost, 127.0.0.1 …"""

    async def document(request: Request) -> Response:
        mounted_at = request.scope["root_path"].removeprefix(request.scope.get("app_root_path", ""))
        url = str(request.base_url).rstrip("/") + mounted_at
        return JSONResponse({**app.openapi(), "servers": [{"url": url}]}, headers={"Cache-Control": "no-store"})

    return document


async def _redoc(request: Request) -> Response:
    return Response(_script(), media_type="text/javascript", headers={"Cache-Control": "public, max-age=3600"})


@cache
def _script() -> str:
    return (Path(fastapi_offline.__file__).parent / "static" / _REDOC).read_text().replace(_LOGO, _NOTHING)
