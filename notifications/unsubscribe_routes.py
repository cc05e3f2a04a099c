"""What a link that ends optional mail opens: a page with a button, and what mail servers send by themselves (RFC 8058). Whoever has
the link needs no log-in, and no cookie is looked at. To look changes nothing: programs that check mails open every link."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse

from accounts.database import Pool, one_statement
from accounts.routes import not_stored
from ledger.errors import TokenUnknown
from ledger.mail_choices import OPT_IN, OPT_OUT
from notifications.unsubscribe_urls import UnsubscribeUrls

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src-attr 'unsafe-inline'"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
<title>{title}</title><main style="font: 1.1rem/1.5 system-ui; max-width: 40rem; margin: 10vh auto; padding: 0 1rem">
<h1>{title}</h1><p>{text}</p>{form}</main></html>"""
_FORM = """<form method="post" action="{action}"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button style="font: inherit; padding: .6rem 1.2rem">{button}</button></form>"""
_STAYS = "Confirmations, cancellations and what concerns the safety of an account still arrive."

Token = Annotated[str, Path(max_length=200)]


class Unsubscribing:
    """In `app.state.unsubscribing`. Methods raise TokenUnknown; OutcomeUnknown or Busy if the database is overloaded."""

    def __init__(self, pool: Pool, urls: UnsubscribeUrls) -> None:
        self._pool, self._urls = pool, urls

    def check(self, token: str) -> None:
        self._urls.read(token)

    async def choose(self, token: str, *, wants: bool) -> None:
        """Whether the recipient wants optional mail; of an erased person nothing is stored."""
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(OPT_IN if wants else OPT_OUT, (self._urls.read(token),))


router = APIRouter(prefix="/unsubscribe", include_in_schema=False, dependencies=[Depends(not_stored)])


@router.get("/{token}")
async def ask(request: Request, token: Token) -> HTMLResponse:
    try:
        _unsubscribing(request).check(token)
    except TokenUnknown:
        return _unknown()
    text = f"You get no more reminders of events, and no messages from their organizers. {_STAYS}"
    return _page("No more mail from organizers?", text, _form(f"/unsubscribe/{token}", "Unsubscribe"))


@router.post("/{token}")
async def unsubscribe(request: Request, token: Token) -> HTMLResponse:
    try:
        await _unsubscribing(request).choose(token, wants=False)
    except TokenUnknown:
        return _unknown()
    form = _form(f"/unsubscribe/{token}/undo", "Undo")
    return _page("You are unsubscribed", f"No more reminders and messages from organizers are mailed to you. {_STAYS}", form)


@router.post("/{token}/undo")
async def subscribe(request: Request, token: Token) -> HTMLResponse:
    try:
        await _unsubscribing(request).choose(token, wants=True)
    except TokenUnknown:
        return _unknown()
    form = _form(f"/unsubscribe/{token}", "Unsubscribe")
    return _page("You get mail again", "Reminders and messages from organizers are mailed to you again.", form)


def _unsubscribing(request: Request) -> Unsubscribing:
    unsubscribing: Unsubscribing = request.app.state.unsubscribing
    return unsubscribing


def _form(action: str, button: str) -> str:
    """`action` holds a token that was read: it has no characters of HTML."""
    return _FORM.format(action=action, button=button)


def _page(title: str, text: str, form: str = "", status: int = 200) -> HTMLResponse:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(_PAGE.format(title=title, text=text, form=form), status, headers)


def _unknown() -> HTMLResponse:
    return _page("No such link", "Part of the link is missing. Open it from the mail again.", status=422)
