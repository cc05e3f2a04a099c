"""Error responses as RFC 9457 problems, each with a page that explains it.

A response never contains a stack trace, SQL, a file path or the client's input (which may not be encodable as JSON).
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from inspect import cleandoc
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from accounts import errors as accounts
from accounts.access import clear_cookies
from ledger import code_errors, errors, hold_errors, http_errors, payment_errors
from ledger.http_errors import plain
from ledger.request_trace import current_trace
from notifications import errors as notifications

MEDIA_TYPE = "application/problem+json"
#: For a response that is no page: should a browser show it, it loads and runs nothing.
NO_PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE_POLICY = f"{NO_PAGE_POLICY}; style-src-attr 'unsafe-inline'"
router = APIRouter(include_in_schema=False)


class Problem(NamedTuple):
    """`explanation` is the text of the page at the address `type`: what happened and what to do."""

    status: int
    title: str
    explanation: str


def _problem_of(error: type[errors.SeatledgerError]) -> Problem:
    explanation = cleandoc(error.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    return Problem(error.http_status, error.title, explanation)


def _errors_in(module: ModuleType) -> Iterator[type[errors.SeatledgerError]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, errors.SeatledgerError) and value.__module__ == module.__name__:
            yield value


_BASES = {errors.SeatledgerError, errors.NotFound, errors.RuleBroken, errors.RetryableError}
#: No client sees them.
_INTERNAL = {
    hold_errors.EntryNeeded,
    hold_errors.HoldTakenOver,
    hold_errors.NothingDue,
    payment_errors.PaymentUnderWay,
    payment_errors.RefundNotOwed,
}
PROBLEMS = {
    kind: _problem_of(kind)
    for module in (errors, hold_errors, code_errors, payment_errors, accounts, notifications)
    for kind in _errors_in(module)
    if kind not in _BASES | _INTERNAL
}

#: Errors that the framework raises, by HTTP status.
_FRAMEWORK_PROBLEMS = {
    400: Problem(422, "Malformed request", "The body is not JSON."),
    404: Problem(404, "Not found", "There is nothing at this address."),
    405: Problem(405, "Method not allowed", "The address is right, the method is not: see `Allow`."),
    413: Problem(413, "Body too large", "A body has at most 64 KiB."),
    500: Problem(
        500,
        "Internal error",
        "Seatledger failed to process the request, and logged the error. With an Idempotency-Key it is safe to try again.",
    ),
}

#: Of connections, before there is a request that the framework could answer (`app/fast_path/protocol.py`), by slug.
_CONNECTION_PROBLEMS = {
    "not-http": Problem(
        400,
        "Not HTTP",
        "What was sent is not a request of HTTP/1.1. For instance it has no field Host, or two of Host, Authorization, "
        "Content-Type or Idempotency-Key. The connection was closed.",
    ),
    "head-too-large": Problem(
        431,
        "Head too large",
        "The head of a request has at most 16 KiB and 100 fields. The connection was closed.",
    ),
    "too-many-connections": Problem(
        429,
        "Too many connections",
        "Too many connections are open from your address. Close some, or wait.",
    ),
}


def slug_of(error: type[errors.SeatledgerError]) -> str:
    """`SoldOut` is `sold-out`."""
    return "-".join(errors.words_of(error))


def install(app: FastAPI) -> None:
    app.router.routes.extend(router.routes)
    http_errors.install(app, _Problems())


async def respond(request: Request, error: Exception) -> Response:
    """The response to an error, for requests that the fast path serves without the framework."""
    return await next(handler for kind, handler in _HANDLERS.items() if isinstance(error, kind))(request, error)


def body_too_large() -> Response:
    return _response(_FRAMEWORK_PROBLEMS[413], "body-too-large", _FRAMEWORK_PROBLEMS[413].explanation, {})


@cache
def raw_response(slug: str) -> bytes:
    """The whole response of a connection that is refused, and then closed."""
    problem = _CONNECTION_PROBLEMS[slug]
    body = msgspec.json.encode(
        {"type": f"/problems/{slug}", "title": problem.title, "status": problem.status, "detail": problem.explanation}
    )
    headers = {
        "Content-Type": MEDIA_TYPE, "Content-Length": len(body), "Cache-Control": "no-store", "Connection": "close",
        "X-Content-Type-Options": "nosniff", "Content-Security-Policy": NO_PAGE_POLICY,
        **({"Retry-After": 1} if problem.status == 429 else {}),
    }  # fmt: skip
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _response(problem: Problem, slug: str, detail: str, facts: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    trace = current_trace()
    body = {**facts, "type": f"/problems/{slug}", "title": problem.title, "status": problem.status, "detail": detail}
    if trace is not None:
        trace.problem = slug
        body["request_id"] = trace.id
    content = msgspec.json.encode({name: value for name, value in body.items() if value is not None})
    return Response(content, problem.status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


class _Problems:
    """See `http_errors.ErrorResponses`."""

    def refused(self, error: errors.SeatledgerError) -> Response:
        kind = next(kind for kind in type(error).__mro__ if kind in PROBLEMS)
        headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, errors.RetryableError) else {}
        if isinstance(error, accounts.NotSignedIn):
            headers["WWW-Authenticate"] = "Bearer"
        response = _response(PROBLEMS[kind], slug_of(kind), error.detail, error.facts, headers)
        if isinstance(error, accounts.NotSignedIn) and error.by_cookie:
            clear_cookies(response)
        if isinstance(error, accounts.GuestSecretMissing):
            error.give(response)
        return response

    def malformed(self, pydantic_errors: list[Mapping[str, Any]]) -> Response:
        listed = [
            {"path": _location(error), "message": plain(str(error["msg"])).removeprefix("Value error, ")}
            for error in pydantic_errors
        ]
        detail = "; ".join(f"{error['path'] or 'body'}: {error['message']}" for error in listed[:3])
        return _response(PROBLEMS[errors.Malformed], "malformed", detail, {"errors": listed})

    def framework_error(self, request: Request, error: HTTPException) -> Response:
        problem = _FRAMEWORK_PROBLEMS.get(error.status_code) or Problem(error.status_code, HTTPStatus(error.status_code).phrase, "")
        headers = dict(error.headers or {})
        if error.status_code == 405:  # the framework names only the methods of the first route that matches
            headers["Allow"] = _allowed_methods(request)
        slug = "malformed" if problem.status == 422 else _slug_of_title(problem)
        return _response(problem, slug, problem.explanation, {}, headers)

    def internal_error(self) -> Response:
        return _response(
            _FRAMEWORK_PROBLEMS[500], _slug_of_title(_FRAMEWORK_PROBLEMS[500]), _FRAMEWORK_PROBLEMS[500].explanation, {}
        )


_HANDLERS = http_errors.handlers(_Problems())


def _slug_of_title(problem: Problem) -> str:
    return problem.title.lower().replace(" ", "-")


def _allowed_methods(request: Request) -> str:
    """The methods of this path, according to the OpenAPI document."""
    methods = set()
    for path, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.scope["path"]):
            methods |= {method.upper() for method in operations}
    return ", ".join(sorted(methods)) or "GET"


def _location(error: Mapping[str, Any]) -> str:
    """The path of a field in the body, or a parameter's name; empty for the body as a whole.

    Also empty for a body that is not JSON, where `loc` is a position in the text."""
    return "" if error["type"] == "json_invalid" else plain(".".join(str(step) for step in error["loc"][1:]))


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><main style="font: 1.1rem/1.5 system-ui; max-width: 40rem; margin: 10vh auto; padding: 0 1rem">
<h1>{title}</h1><p>{explanation}</p><p>Status {status}, type <code>/problems/{slug}</code>.</p></main></html>"""


@router.get("/problems/{slug}")
async def explain(slug: str) -> Response:
    known = {slug_of(kind): problem for kind, problem in PROBLEMS.items()}
    known |= _CONNECTION_PROBLEMS | {_slug_of_title(problem): problem for problem in _FRAMEWORK_PROBLEMS.values()}
    if slug not in known:
        raise HTTPException(404)
    headers = {"Content-Security-Policy": _PAGE_POLICY}
    return HTMLResponse(_PAGE.format(slug=slug, **known[slug]._asdict()), headers=headers)
