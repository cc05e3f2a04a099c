"""The table of exception types that an HTTP application handles, in the order of precedence.

Each application gives the responses (`ErrorResponses`): Seatledger's own API as problems (`app/problems.py`), each of the five
specifications in its own format (`compat/application.py`).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ledger.errors import Busy, SeatledgerError
from ledger.outage import OutageLog

log = logging.getLogger(__name__)

#: Many requests find the same: their own lines are in `app/observation.py`.
_outage = OutageLog(log, "The database")
#: Not a standard status: nobody reads this response.
CLIENT_CLOSED_REQUEST = 499
#: Errors of one malformed request that a response lists at most.
MAX_ERRORS = 50

Handler = Callable[[Request, Exception], Awaitable[Response]]


class ErrorResponses(Protocol):
    """What an application answers to each kind of error."""

    def refused(self, error: SeatledgerError) -> Response:
        """A rule was broken, or a limit was reached."""

    def malformed(self, pydantic_errors: list[Mapping[str, Any]]) -> Response:
        """The request can't be parsed: MAX_ERRORS of pydantic's errors at most."""

    def framework_error(self, request: Request, error: HTTPException) -> Response:
        """No such route, wrong method, body too large, no JSON."""

    def internal_error(self) -> Response:
        """A mistake in Seatledger. It is logged already."""


def install(app: FastAPI, responses: ErrorResponses) -> None:
    for kind, handler in handlers(responses).items():
        app.add_exception_handler(kind, handler)


def handlers(responses: ErrorResponses) -> dict[type[Exception], Handler]:
    """The handler of each exception type. The order counts: the last one handles what no other does."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, SeatledgerError)
        return responses.refused(error)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return responses.malformed(list(error.errors()[:MAX_ERRORS]))

    async def framework_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return responses.framework_error(request, error)

    async def database_unavailable(request: Request, error: Exception) -> Response:
        _outage.repeated(error)
        return responses.refused(Busy())

    async def client_disconnected(request: Request, error: Exception) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)

    async def internal_error(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return responses.internal_error()

    refused_by_server = psycopg.errors.ReadOnlySqlTransaction  # by a standby, too
    unavailable = (
        psycopg.OperationalError, psycopg.InterfaceError, refused_by_server, PoolTimeout, PoolClosed, TooManyRequests,
    )  # fmt: skip
    return {
        SeatledgerError: refused,
        RequestValidationError: malformed,
        HTTPException: framework_error,
        **dict.fromkeys(unavailable, database_unavailable),
        ClientDisconnect: client_disconnected,
        Exception: internal_error,
    }


def plain(text: str) -> str:
    """The text without lone surrogates, which a client may send and JSON can't carry."""
    return text.encode("utf-8", "replace").decode()
