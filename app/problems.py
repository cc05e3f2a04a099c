"""Error responses as RFC 9457 problems, each with a page that explains it.

A response never contains a stack trace, SQL, a file path or the client's input (which may not be encodable as JSON).
"""

import re
from collections.abc import Mapping
from functools import cache
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


PROBLEMS: dict[type[Exception], Problem] = {
    errors.EventNotFound: Problem(404, "No such event", "No event has this id."),
    errors.BookingNotFound: Problem(404, "No such booking", "No booking has this id, or you may not see it."),
    errors.EntryNotFound: Problem(404, "No such entry", "The ledger has no entry at this position: positions can have gaps."),
    errors.EntryAltered: Problem(500, "Entry altered", "The database contains an entry that Seatledger did not write. `python -m projections verify` gives details."),
    errors.EventUnreadable: Problem(503, "Event can't be read", "The entry at `position` of the ledger can't be decoded. Nothing was changed. `python -m projections verify` gives details."),
    errors.EventSealed: Problem(503, "Event sealed", "The entry at `position` of the ledger was not written by Seatledger. Nothing was changed. See `docs/runbook.md`."),
    errors.NotYourEvent: Problem(403, "Not your event", "Only its organizer or an admin may change an event, sell its tickets or check them in."),
    errors.SoldOut: Problem(409, "Sold out", "Fewer seats are available than you requested: see `available`. Book fewer, or choose another category."),
    errors.PriceChanged: Problem(409, "Price changed", "The tickets cost `total_amount` in total now, not the `expected_total` that you sent. Nothing was booked."),
    errors.CustomerLimit: Problem(409, "Limit reached", "A customer may hold at most `limit` tickets for this event, and this customer holds `held`."),
    errors.BookingTooLarge: Problem(409, "Booking too large", "One booking has at most `limit` tickets. Split it into several bookings."),
    errors.EventNotBookable: Problem(409, "Event not bookable", "The event is past, cancelled or completed (see `reason`), which does not allow what you asked for."),
    errors.NotOnSale: Problem(409, "Not on sale", "Sales have not opened yet (`opens_at`), or have closed (`closed_at`)."),
    errors.OpenDate: Problem(409, "Open date", "The event has no date yet, so there is nothing for a calendar."),
    errors.AlreadyCancelled: Problem(409, "Already cancelled", "There is nothing left to cancel."),
    errors.TicketAlreadyUsed: Problem(409, "Ticket already used", "The ticket was already used for entry. It can't be used again or cancelled."),
    errors.TicketCancelled: Problem(409, "Ticket cancelled", "The ticket, or its event, was cancelled."),
    errors.WrongEvent: Problem(409, "Ticket for another event", "The code belongs to a ticket for another event."),
    errors.CapacityBelowTaken: Problem(409, "Capacity below seats taken", "A category can't have fewer seats than are `taken`. Cancel bookings first."),
    errors.CategoryInUse: Problem(409, "Category in use", "A category that ever had a booking can't be removed. Set its capacity to the number of seats taken instead."),
    errors.StaleVersion: Problem(412, "Event changed meanwhile", "Somebody else changed the event after you read it. Read it again and apply your change to the new version."),
    errors.PreconditionRequired: Problem(428, "If-Match missing", "Send the ETag of the event that you read as If-Match, so that no edit is lost."),
    errors.IdempotencyKeyReused: Problem(422, "Idempotency-Key reused", "A key identifies one request with one body. Use a new key for a new request."),
    errors.InvalidCode: Problem(422, "Not a ticket code", "Seatledger did not issue this code: it was mistyped or forged."),
    errors.TokenUnknown: Problem(422, "No such link", "A link of a mail works as a whole only: part of it is missing, or it is for something else. Open it from the mail again."),
    errors.PositionBeyondHead: Problem(422, "Position beyond the ledger", "Ledger-Position is greater than the position of the newest entry (`head`): it is from another system."),
    errors.GuestCheckoutOff: Problem(403, "No guests", "Tickets of this event are booked with an account. Log in, or sign up."),
    errors.EmailUnverified: Problem(403, "E-mail address not proven", "Prove the address of `contact` first: `POST /api/contacts/verify` mails a code, `POST /api/contacts/confirm` exchanges it for the `proof` to send. It holds for an hour, in the same browser."),
    errors.Malformed: Problem(422, "Malformed request", "The request is not valid: `errors` lists where and why."),
    errors.Busy: Problem(503, "Busy", "A limit was reached, or the database is unavailable. Nothing was changed. Try again after `Retry-After` seconds."),
    errors.StillComputing: Problem(503, "Still computing", "The statistics as of `position` are computed in the background. Ask again after `Retry-After` seconds."),
    errors.TooManyRequests: Problem(429, "Too many requests", "Your account or your address has sent too many commands in this minute. Nothing was changed. Try again after `Retry-After` seconds."),
    errors.TooManyStreams: Problem(429, "Too many streams", "Too many live streams are open from your address. Close some, and try again after `Retry-After` seconds."),
    errors.OutcomeUnknown: Problem(503, "Outcome unknown", "The command may or may not have been executed. Send it again with the same Idempotency-Key: it is not executed twice."),
    errors.StaleRead: Problem(503, "Read side behind", "The read side has not reached your Ledger-Position yet. Try again after `Retry-After` seconds."),
    accounts.EmailTaken: Problem(409, "E-mail address taken", "An account with this e-mail address exists. Log in, or use another address."),
    accounts.LastAdmin: Problem(409, "Last admin", "There must be at least one admin. Give another account the role admin first."),
    accounts.ErasureRefused: Problem(409, "Account can't be erased yet", "First cancel your upcoming bookings, and complete or cancel your events."),
    accounts.AccountNotFound: Problem(404, "No such account", "No account has this id."),
    accounts.WrongCredentials: Problem(401, "Wrong credentials", "The e-mail address or the password is wrong, or the account is disabled."),
    accounts.WrongPassword: Problem(422, "Wrong password", "The password is wrong: nothing was changed."),
    accounts.WeakPassword: Problem(422, "Weak password", "Common passwords, simple patterns, and your own name or e-mail address are guessed first. Choose another password."),
    accounts.WrongMailedCode: Problem(422, "Wrong code", "The code is not that of the newest mail to this address. After five wrong codes, ask for another mail."),
    accounts.GuestSecretMissing: Problem(422, "Guest secret missing", "Without a log-in an Idempotency-Key belongs to a browser or program: send `Guest-Secret`, or the cookie that this response has set."),
    accounts.WrongCode: Problem(422, "Wrong code", "The code is missing, wrong, or was used already: each is valid once, for about a minute."),
    accounts.SecondFactorRequired: Problem(401, "Second factor required", "The password is right. Send `code`, too: six digits of your authenticator app, or a recovery code. Each is valid once."),
    accounts.SecondFactorMissing: Problem(403, "Second factor missing", "Your role requires a second factor here: `POST /api/me/second-factor`. Until then you can do nothing else."),
    accounts.SecondFactorExists: Problem(409, "Second factor exists", "Remove the second factor before you set another one."),
    accounts.SecondFactorNotFound: Problem(404, "No second factor", "The account has no second factor."),
    notifications.MailNotFound: Problem(404, "No such mail", "Only the demo on its own machine, without MAIL_URL, has a mailbox, with its newest mails."),
    notifications.WebhookNotFound: Problem(404, "No such webhook", "You have no webhook, or it no delivery, with this id."),
    notifications.WebhookPaused: Problem(409, "Webhook paused", "Nothing is sent to a paused webhook. Set its state to `active` first."),
    notifications.TooManyWebhooks: Problem(409, "Too many webhooks", "An account has at most `limit` webhooks. Delete one first."),
    notifications.NotificationNotFound: Problem(404, "No such notification", "No notification has this id any more, or you may not see it: they are kept for 90 days."),
    notifications.NotificationWaiting: Problem(409, "Notification waiting", "It was not sent yet, so it can't be sent again. It is tried by itself; what is held since a restore is released by the operator (`python -m notifications release`)."),
    notifications.NoTicketsLeft: Problem(409, "No tickets left", "All tickets of the booking are cancelled, or its event is: there are none to send."),
    notifications.NoRecipient: Problem(409, "No recipient", "The booking has no customer with an e-mail address: a walk-in bought it, or the customer was erased."),
    notifications.AudienceEmpty: Problem(409, "Nobody to write to", "Nobody of this audience has valid tickets and an address, and wants messages from organizers. Nothing was sent."),
    notifications.TooManyAnnouncements: Problem(409, "Too many messages", "An event's attendees get at most five messages a day, and you twenty as a test: `limit`. The next one can be sent at `next_at`."),
    accounts.SessionNotFound: Problem(404, "No such session", "You have no session with this id: it may have ended."),
    accounts.ReauthenticationRequired: Problem(403, "Password required again", "This needs a password that was given within the last 15 minutes: `POST /api/me/reauthenticate`, or log in again."),
    accounts.AccountUnverified: Problem(403, "Address not confirmed", "Open the link in the mail that confirms your account's e-mail address, and try again: `POST /api/me/email/verify` mails another one."),
    accounts.LinkSuperseded: Problem(410, "Link superseded", "A newer mail about the booking has the link that works; or the booking is in an account now: log in."),
    accounts.LinkOfAnother: Problem(403, "Link of another account", "Sign in to the account whose address the link confirms, and open it again."),
    accounts.NotSignedIn: Problem(401, "Not signed in", "Log in, and send the token as `Authorization: Bearer …`."),
    accounts.Forbidden: Problem(403, "Role not permitted", "Your role may not do this. An admin can change roles."),
    accounts.CsrfMissing: Problem(403, "CSRF token missing", "With the session cookie, send the cookie `seatledger_csrf` as header X-CSRF-Token too."),
    accounts.TokenExpired: Problem(410, "Link expired", "Links of mails are valid for 30 minutes, unless the mail says otherwise, and until the password or the e-mail address changes. Ask for a new one."),
    accounts.TokenUsed: Problem(410, "Link used", "Each link of a mail works once. Ask for a new one."),
    accounts.MailOff: Problem(409, "No mail", "This installation sends no mail: MAIL_URL is not set. Its operator sets passwords with `python -m accounts reset-password`."),
    accounts.TooManyAttempts: Problem(429, "Too many attempts", "Wait `Retry-After` seconds before the next log-in or sign-up."),
}  # fmt: skip

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
    "not-http": Problem(400, "Not HTTP", "What was sent is not a request of HTTP/1.1. For instance it has no field Host, or two of Host, Authorization, Content-Type or Idempotency-Key. The connection was closed."),
    "head-too-large": Problem(431, "Head too large", "The head of a request has at most 16 KiB and 100 fields. The connection was closed."),
    "too-many-connections": Problem(429, "Too many connections", "Too many connections are open from your address. Close some, or wait."),
}  # fmt: skip


def slug_of(error: type[Exception]) -> str:
    """`SoldOut` is `sold-out`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


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
