"""The HTTP routes of the demo's mailbox. Without it they are 404."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from accounts.routes import not_stored
from ledger.settings import Settings
from notifications.errors import MailNotFound
from notifications.mail.mailbox import read
from notifications.mailbox_reader import MailboxReader, StoredMail

#: A mail is shown in a frame of the page: it runs nothing and loads nothing; its links open elsewhere.
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def _only_with_mailbox(request: Request) -> None:
    settings: Settings = request.app.state.settings
    if not settings.has_mailbox:
        raise MailNotFound


router = APIRouter(prefix="/api/mailbox", tags=["notifications"], dependencies=[Depends(not_stored), Depends(_only_with_mailbox)])


@dataclass(slots=True, kw_only=True)
class MailSummary:
    """A mail of the demo's mailbox. `to`: the address."""

    id: UUID
    received_at: datetime
    to: str
    subject: str


@dataclass(slots=True, kw_only=True)
class MailAttachment:
    """`size`: in bytes."""

    name: str
    content_type: str
    size: int


@dataclass(slots=True, kw_only=True)
class MailView(MailSummary):
    """A mail with its plain text. Its HTML is at `/api/mailbox/{id}/html`, an attachment, counted from 0, at
    `/api/mailbox/{id}/attachments/{number}`."""

    sender: str
    text: str
    attachments: list[MailAttachment]


@dataclass(slots=True, kw_only=True)
class MailList:
    items: list[MailSummary]


@router.get("", operation_id="get_mailbox", response_model=MailList)
async def get_mailbox(request: Request) -> Any:
    """The demo's mails, newest first."""
    return MailList(items=[MailSummary(**_summary(mail)) for mail in await _reader(request).newest()])


@router.get("/{mail_id}", operation_id="get_mail", response_model=MailView)
async def get_mail(request: Request, mail_id: UUID) -> Any:
    """One of the demo's mails."""
    mail = await _mail(request, mail_id)
    message = read(mail.content)
    plain = message.get_body(("plain",))
    attachments = [
        MailAttachment(name=part.get_filename() or "", content_type=part.get_content_type(), size=len(part.get_content()))
        for part in message.iter_attachments()
    ]
    return MailView(
        **_summary(mail), sender=str(message["From"]), text=plain.get_content() if plain else "", attachments=attachments
    )


@router.get(
    "/{mail_id}/html",
    operation_id="get_mail_html",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
async def get_mail_html(request: Request, mail_id: UUID) -> Response:
    """The HTML of a mail, for a frame."""
    part = read((await _mail(request, mail_id)).content).get_body(("html",))
    if part is None:
        raise MailNotFound
    headers = {"Content-Security-Policy": FRAME_POLICY, "Cache-Control": "no-store"}
    # Links open beside the mail, as in a mail program.
    return Response(
        part.get_content().replace("<head>", '<head><base target="_blank">', 1), media_type="text/html", headers=headers
    )


@router.get(
    "/{mail_id}/attachments/{number}",
    operation_id="get_mail_attachment",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_mail_attachment(request: Request, mail_id: UUID, number: Annotated[int, Path(ge=0, le=100)]) -> Response:
    """An attachment of a mail, to download."""
    parts = list(read((await _mail(request, mail_id)).content).iter_attachments())
    if number >= len(parts):
        raise MailNotFound
    content = parts[number].get_content()
    name = "".join(one if one.isalnum() or one in ".-_" else "-" for one in parts[number].get_filename() or "attachment")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    body = content if isinstance(content, bytes) else content.encode()
    return Response(body, media_type=parts[number].get_content_type(), headers=headers)


def _reader(request: Request) -> MailboxReader:
    reader: MailboxReader = request.app.state.mailbox
    return reader


async def _mail(request: Request, mail_id: UUID) -> StoredMail:
    mail = await _reader(request).find(mail_id)
    if mail is None:
        raise MailNotFound
    return mail


def _summary(mail: StoredMail) -> dict[str, Any]:
    return {"id": mail.id, "received_at": mail.received_at, "to": mail.recipient, "subject": mail.subject}
