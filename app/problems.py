"""Problems: error responses as RFC 9457 has them, each with a page that explains it.

A response never holds a stack trace, SQL, a file's path or the client's input, which may not be encodable as JSON.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from accounts import errors as accounts
from accounts.access import clear_cookies
from ledger import errors, http_errors
from ledger.http_errors import plain

MEDIA_TYPE = "application/problem+json"
router = APIRouter(include_in_schema=False)


class Problem(NamedTuple):
    """`explanation` is the page behind `type`: what happened and what to do."""

    status: int
    title: str
    explanation: str


PROBLEMS: dict[type[Exception], Problem] = {
    errors.EventNotFound: Problem(404, "No such event", "The id in the address names no event."),
    errors.BookingNotFound: Problem(404, "No such booking", "The id names no booking, or one that is not yours to see."),
    errors.EntryNotFound: Problem(404, "No such entry", "The ledger has no entry at this position: positions skip."),
    errors.EntryAltered: Problem(500, "Entry altered", "The database has an entry that Seatledger did not write. `python -m projections verify` says more."),
    errors.NotYourEvent: Problem(403, "Not your event", "Only its organizer or an admin may change an event, sell for it or check in."),
    errors.SoldOut: Problem(409, "Sold out", "Fewer seats are left than you asked for: `available` says how many. Take fewer, or another category."),
    errors.CustomerLimit: Problem(409, "Limit reached", "A customer may hold `limit` tickets of this event and this one holds `held`."),
    errors.BookingTooLarge: Problem(409, "Booking too large", "One booking holds at most `limit` tickets. Split it into several."),
    errors.EventNotBookable: Problem(409, "Event not bookable", "The event has started and is not sold any more, or is cancelled or completed: see `reason`."),
    errors.NotOnSale: Problem(409, "Not on sale", "Sales have not opened yet (`opens_at`), or have closed (`closed_at`)."),
    errors.AlreadyCancelled: Problem(409, "Already cancelled", "There is nothing left to cancel."),
    errors.TicketUsed: Problem(409, "Ticket used", "The ticket was used to get in. It can't be used again, nor given back."),
    errors.TicketCancelled: Problem(409, "Ticket cancelled", "The ticket was given back, or its event is cancelled."),
    errors.WrongEvent: Problem(409, "Another event's ticket", "The code belongs to a ticket for another event."),
    errors.CapacityBelowTaken: Problem(409, "Capacity below taken", "A category can't have fewer seats than are `taken`. Cancel bookings first."),
    errors.CategoryInUse: Problem(409, "Category in use", "A category that was ever sold stays. Set its capacity to what is taken instead."),
    errors.StaleVersion: Problem(412, "Changed meanwhile", "Somebody else changed the event after you read it. Read it again and apply your change to that."),
    errors.PreconditionRequired: Problem(428, "If-Match missing", "Send the ETag of the event that you read as If-Match, so that no edit is lost."),
    errors.IdempotencyKeyReused: Problem(422, "Idempotency-Key reused", "A key stands for one request with one body. Make a new key for a new request."),
    errors.InvalidCode: Problem(422, "Not a ticket code", "The code is not one that Seatledger made: mistyped, or forged."),
    errors.PositionBeyondHead: Problem(422, "Position beyond the ledger", "Ledger-Position is past the newest entry (`head`): it is from another system."),
    errors.Malformed: Problem(422, "Malformed request", "Something in the request can't be right: `errors` lists where and what."),
    errors.Busy: Problem(503, "Busy", "A limit was reached, or the database is unavailable. Nothing happened. Try again after `Retry-After` seconds."),
    errors.OutcomeUnknown: Problem(503, "Outcome unknown", "It may have happened or not. Send it again with the same Idempotency-Key: it will not happen twice."),
    errors.StaleRead: Problem(503, "Not there yet", "The read side has not reached your Ledger-Position. Try again after `Retry-After` seconds."),
    accounts.EmailTaken: Problem(409, "E-mail taken", "There is an account with this address. Log in, or use another one."),
    accounts.LastAdmin: Problem(409, "Last admin", "Somebody must be able to administer: make another admin first."),
    accounts.ErasureRefused: Problem(409, "Can't be erased yet", "Cancel your upcoming bookings, and complete or cancel your events, first."),
    accounts.AccountNotFound: Problem(404, "No such account", "The id names no account."),
    accounts.WrongCredentials: Problem(401, "Wrong credentials", "The e-mail address or the password is wrong, or the account is disabled."),
    accounts.WrongPassword: Problem(422, "Wrong password", "The old password is wrong: nothing was changed."),
    accounts.NotSignedIn: Problem(401, "Not signed in", "Log in, and send the token as `Authorization: Bearer …`."),
    accounts.Forbidden: Problem(403, "Not your role", "Your role may not do this. An admin can change roles."),
    accounts.CsrfMissing: Problem(403, "CSRF token missing", "With the session cookie, send the cookie `seatledger_csrf` as header X-CSRF-Token too."),
    accounts.TooManyAttempts: Problem(429, "Too many attempts", "Wait `Retry-After` seconds before the next log-in."),
}  # fmt: skip

#: Errors that the framework raises, by status.
_OTHERS = {
    400: Problem(422, "Malformed request", "The body is not JSON."),
    404: Problem(404, "Not found", "There is nothing at this address."),
    405: Problem(405, "Method not allowed", "The address is right, the method is not: see `Allow`."),
    413: Problem(413, "Body too large", "A body has at most 64 KiB."),
    500: Problem(
        500, "Internal error", "Something went wrong in Seatledger. It is logged. With an Idempotency-Key it is safe to try again."
    ),
}


def slug_of(error: type[Exception]) -> str:
    """`SoldOut` is `sold-out`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


def install(app: FastAPI) -> None:
    app.router.routes.extend(router.routes)
    http_errors.install(app, _Problems())


async def respond(request: Request, error: Exception) -> Response:
    """The response to an error, for requests that are served past the framework."""
    return await next(handler for kind, handler in _HANDLERS.items() if isinstance(error, kind))(request, error)


def body_too_large() -> Response:
    return _response(_OTHERS[413], "body-too-large", _OTHERS[413].explanation, {})


def _response(problem: Problem, slug: str, detail: str, facts: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    body = {**facts, "type": f"/problems/{slug}", "title": problem.title, "status": problem.status, "detail": detail}
    content = msgspec.json.encode({name: value for name, value in body.items() if value is not None})
    return Response(content, problem.status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


class _Problems:
    """See `http_errors.ErrorResponses`."""

    def refused(self, error: errors.SeatledgerError) -> Response:
        kind = next(kind for kind in type(error).__mro__ if kind in PROBLEMS)
        headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, errors.TryAgain) else {}
        if isinstance(error, accounts.NotSignedIn):
            headers["WWW-Authenticate"] = "Bearer"
        response = _response(PROBLEMS[kind], slug_of(kind), error.detail, error.facts, headers)
        if isinstance(error, accounts.NotSignedIn) and error.by_cookie:
            clear_cookies(response)
        return response

    def malformed(self, found: list[Mapping[str, Any]]) -> Response:
        listed = [{"path": _path(error), "message": plain(str(error["msg"])).removeprefix("Value error, ")} for error in found]
        detail = "; ".join(f"{error['path'] or 'body'}: {error['message']}" for error in listed[:3])
        return _response(PROBLEMS[errors.Malformed], "malformed", detail, {"errors": listed})

    def framework_error(self, request: Request, error: HTTPException) -> Response:
        problem = _OTHERS.get(error.status_code) or Problem(error.status_code, HTTPStatus(error.status_code).phrase, "")
        headers = dict(error.headers or {})
        if error.status_code == 405:  # the framework names the first route that matches
            headers["Allow"] = _allowed_methods(request)
        slug = "malformed" if problem.status == 422 else _slug_of_title(problem)
        return _response(problem, slug, problem.explanation, {}, headers)

    def internal_error(self) -> Response:
        return _response(_OTHERS[500], _slug_of_title(_OTHERS[500]), _OTHERS[500].explanation, {})


_HANDLERS = http_errors.handlers(_Problems())


def _slug_of_title(problem: Problem) -> str:
    return problem.title.lower().replace(" ", "-")


def _allowed_methods(request: Request) -> str:
    """The methods of this path, by the OpenAPI document."""
    found = set()
    for path, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.scope["path"]):
            found |= {method.upper() for method in operations}
    return ", ".join(sorted(found)) or "GET"


def _path(error: Mapping[str, Any]) -> str:
    """Where in a body, or which parameter; empty for the body as a whole, as where it is no JSON (there `loc` is a place in the text)."""
    return "" if error["type"] == "json_invalid" else plain(".".join(str(step) for step in error["loc"][1:]))


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><main style="font: 1.1rem/1.5 system-ui; max-width: 40rem; margin: 10vh auto; padding: 0 1rem">
<h1>{title}</h1><p>{explanation}</p><p>Status {status}, type <code>/problems/{slug}</code>.</p></main></html>"""


@router.get("/problems/{slug}")
async def explain(slug: str) -> Response:
    known = {slug_of(kind): problem for kind, problem in PROBLEMS.items()}
    known |= {_slug_of_title(problem): problem for problem in _OTHERS.values()}
    if slug not in known:
        raise HTTPException(404)
    return HTMLResponse(_PAGE.format(slug=slug, **known[slug]._asdict()))
