"""The HTTP routes of what organizers write to the attendees of an event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from typing_extensions import TypeAliasType

from accounts.access import IdempotencyKey, Organizer, command_id_of
from accounts.routes import Body, Cursor, not_stored
from ledger.event import Event
from ledger.field_types import Text
from notifications.announcements import Announcement, Announcements, NewAnnouncement
from notifications.number_cursors import number_before

MAX_SUBJECT, MAX_TEXT = 150, 10_000

Audience = TypeAliasType("Audience", Literal["all", "checked-in", "not-checked-in", "myself"])
Limit = Annotated[int, Query(ge=1, le=20)]
IsPreview = Annotated[bool, Query(alias="preview", description="Nothing is sent: the answer shows what would be.")]

router = APIRouter(prefix="/api/events", tags=["notifications"], dependencies=[Depends(not_stored)])


class WriteMessage(Body):
    """`audience`: everybody with valid tickets; those with tickets that were checked in, or that were not; or `myself`, to see it
    arrive. `category`: id or name, of the tickets. `has_reply_to`: attendees see your address and can answer."""

    audience: Audience
    category: Annotated[str, Text(200)] | None = None
    subject: Annotated[str, Text(MAX_SUBJECT, is_name=True)]
    text: Annotated[str, Text(MAX_TEXT, lines=True)]
    has_reply_to: Annotated[bool, Field(strict=True)] = False


@dataclass(slots=True, kw_only=True)
class MessageView:
    """A message to attendees. `category`: a name; null: any. `recipients`: null for the moment until its mails are written.
    `sent`, `waiting`, `failed`: mails; `skipped`: to people who were erased, or want none any more."""

    id: UUID
    audience: Audience
    category: str | None
    subject: str
    text: str
    has_reply_to: bool
    created_at: datetime
    sender: str | None
    recipients: int | None
    sent: int
    waiting: int
    failed: int
    skipped: int


@dataclass(slots=True, kw_only=True)
class MessagePreview:
    """What would be sent, and to how many. `subject`, `text` and `html`: as they would arrive, but for the name of the recipient.
    `reply_to`: the address that attendees would see."""

    recipients: int
    subject: str
    text: str
    html: str
    reply_to: str | None


@dataclass(slots=True, kw_only=True)
class WrittenMessage:
    """Either the message that is sent, or with `preview` what would be."""

    message: MessageView | None = None
    preview: MessagePreview | None = None


@dataclass(slots=True, kw_only=True)
class MessagePage:
    items: list[MessageView]
    next_cursor: str | None


@router.post(
    "/{event_id}/messages", operation_id="write_to_attendees", status_code=202, response_model=WrittenMessage,
    responses={200: {"model": WrittenMessage, "description": "With `preview`"}},
)  # fmt: skip
async def write_to_attendees(
    event_id: UUID, request: Request, response: Response, body: WriteMessage, principal: Organizer, is_preview: IsPreview = False,
    key: IdempotencyKey = None,
) -> Any:  # fmt: skip
    """Mails a message to the attendees of an event: five times a day at most. It is sent once to each address, after what somebody
    waits for. Who does not want messages from organizers gets none."""
    new = NewAnnouncement(body.audience, body.category, body.subject, body.text, body.has_reply_to)
    announcements = _announcements(request)
    if is_preview:
        preview = await announcements.preview(event_id, principal, new)
        mail = preview.mail
        shown = MessagePreview(
            recipients=preview.recipients, subject=mail.subject, text=mail.text, html=mail.html, reply_to=mail.reply_to
        )
        response.status_code = 200
        return WrittenMessage(preview=shown)
    event, announcement = await announcements.send(event_id, principal, new, command_id_of(request, principal, key))
    return WrittenMessage(message=_view(event, announcement))


@router.get("/{event_id}/messages", operation_id="get_messages", response_model=MessagePage)
async def get_messages(event_id: UUID, request: Request, principal: Organizer, limit: Limit = 20, cursor: Cursor = None) -> Any:
    """The messages to the attendees of an event in the last 90 days, newest first, and how many of their mails were sent."""
    event, found, before = await _announcements(request).all(event_id, principal, number_before(cursor), limit)
    return MessagePage(items=[_view(event, one) for one in found], next_cursor=None if before is None else str(before))


def _announcements(request: Request) -> Announcements:
    announcements: Announcements = request.app.state.announcements
    return announcements


def _view(event: Event, one: Announcement) -> MessageView:
    fields = one._asdict()
    del fields["number"]
    category = None if one.category is None else event.categories.get(one.category)
    return MessageView(**{**fields, "category": category and category.name})
